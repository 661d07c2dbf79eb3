"""All processes of a box share one limit of memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from coursework import cage, marking, memory
from coursework.sandbox import Ended, Sandbox
from tests.coursework.hostile import CELLS

MB = 1 << 20
WHY = cage.missing()
FAMILY = """
import os, time
x = bytearray(b"x") * (100 << 20)
for generation in range(3):
    if os.fork():
        break
own = bytearray(b"y") * (20 << 20)
os.write(1, b".")
time.sleep(60)
"""


def test_pages_that_children_and_grandchildren_share_count_once():
    with subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE) as top:
        try:
            assert top.stdout is not None and sum(len(os.read(top.stdout.fileno(), 1)) for _ in range(4)) == 4
            family = memory.below(top.pid)
            assert len(family) == 4
            assert memory.together(top.pid, 1) > 480 * MB  # far beyond: nobody asks who shares what
            assert 180 * MB < memory.together(top.pid, 300 * MB) < 260 * MB
            assert 150 * MB < memory.together(top.pid, 150 * MB) < 260 * MB
        finally:
            for pid in family:
                os.kill(pid, 9)


def test_what_is_ended_is_gone_and_its_descriptors_are_closed():
    with subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE) as top:
        assert top.stdout is not None and sum(len(os.read(top.stdout.fileno(), 1)) for _ in range(4)) == 4
        found, before = memory.handles([*memory.below(top.pid)[1:], 1 << 30]), len(os.listdir("/proc/self/fd"))
        assert len(found) == 3  # a process that is not there has none
        memory.end([*found, *memory.handles([top.pid])], within=0.5)
        assert len(os.listdir("/proc/self/fd")) == before - 3
        assert top.wait() == -9


def test_where_nobody_tells_of_processes_there_is_the_first_alone(monkeypatch):
    monkeypatch.setattr(os.path, "isdir", lambda _: False)
    assert memory.below(os.getpid()) == [os.getpid()]


def test_a_process_that_is_gone_holds_nothing():
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    assert memory.together(gone.pid, 1) == 0


HIDE = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
try:
    os.memfd_create("x")
except OSError as error:
    print(error.errno)
libc.shmget(0, 4096, 0o1600)
print(ctypes.get_errno())
"""


@pytest.mark.skipif(bool(WHY), reason="no sandbox on this machine")
@pytest.mark.skipif(not memory.refusals(), reason="the numbers of this machine's system calls are not known")
def test_memory_that_no_process_holds_is_refused():
    refused = memory.pipe()
    command = ["bwrap", *cage.walls(refused), "--dev-bind", "/", "/", "--", sys.executable, "-c", HIDE]
    done = subprocess.run(command, pass_fds=[refused], capture_output=True, encoding="utf-8")
    os.close(refused)
    assert done.stdout.split() == ["38", "38"], done.stderr  # ENOSYS


def test_a_machine_whose_calls_are_not_known_has_no_filter():
    assert memory.refusals("riscv64") == b"" and len(memory.refusals("aarch64")) == 11 * 8


@pytest.mark.hostile
@pytest.mark.skipif(bool(WHY), reason="no sandbox on this machine")
def test_a_box_ends_when_its_processes_together_hold_too_much(seen):
    limits = cage.Limits(call=60, notebook=120, together=2 << 30)
    with Sandbox(seen, limits) as box, pytest.raises(Ended, match="processes together used more than the allowed 2 GB"):
        marking.run(box, [CELLS["memory of many processes"]], set(), limits)
