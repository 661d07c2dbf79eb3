"""How much memory do all processes of a box hold together?  A process has a limit of the kernel, a family has none.

Without root and without a manager of cgroups nobody but a watcher can bound the sum, so the marker looks up to ten
times a second.  It counts pages by the processes that hold them.  Memory that no process need hold (files without a
name, segments of System V, messages, rings) would not be seen: a filter of the kernel refuses it, as an old one would.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
PACE = 0.1  # seconds between two looks
ABI = {  # the kernel's name, and its numbers of memfd_create, memfd_secret, shmget, msgget, io_uring_setup
    "x86_64": (0xC000003E, (319, 447, 29, 68, 425)),
    "aarch64": (0xC00000B7, (279, 447, 194, 186, 425)),
}
LOAD, EQUAL, FROM, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOWED, UNKNOWN = 0x7FFF0000, 0x00050026  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with ENOSYS


def refusals(machine: str = "") -> bytes:
    """The filter as bubblewrap takes it, in the kernel's BPF; nothing for a machine whose numbers are unknown.

    Calls by another table of the same machine (32 bits) are refused as well, or the numbers would mean others.
    """
    machine = machine or os.uname().machine
    if machine not in ABI:
        return b""
    name, numbers = ABI[machine]
    tests = [(FROM, 0x40000000), *((EQUAL, n) for n in numbers)]
    program = [(LOAD, 0, 0, 4), (EQUAL, 0, len(tests) + 2, name), (LOAD, 0, 0, 0)]
    program += [(test, len(tests) - i, 0, value) for i, (test, value) in enumerate(tests)]
    program += [(RETURN, 0, 0, ALLOWED), (RETURN, 0, 0, UNKNOWN)]
    return b"".join(struct.pack("=HBBI", *line) for line in program)


def pipe() -> int:
    """The end of a pipe from which the filter can be read, once."""
    read, written = os.pipe()
    os.write(written, refusals())
    os.close(written)
    return read


def together(top: int, most: int) -> int:
    """Bytes that process `top` and all below it hold.  A page that several share counts once, which takes long to find
    out: only between `most` and four times that is it asked, and only until the sum is beyond `most`."""
    held = {pid: _resident(pid) for pid in below(top)}
    rough, exact = sum(held.values()), 0
    if not most < rough < 4 * most:
        return rough
    for pid in sorted(held, key=held.__getitem__, reverse=True):
        exact += _share(pid)
        if exact > most:
            break
    return exact


def below(top: int) -> list[int]:
    """The process, its children, their children, and so on."""
    children = defaultdict(list)
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():  # elsewhere nobody tells
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):  # it ends while we look
                parent = Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()[1]
                children[int(parent)].append(int(name))
    found = [top]
    for pid in found:
        found += children[pid]
    return found


def handles(processes: Iterable[int]) -> list[int]:
    """A file descriptor for each process that is there; unlike a number, it never comes to mean another process."""
    found = []
    for pid in processes:
        with contextlib.suppress(OSError):
            found.append(os.pidfd_open(pid))
    return found


def end(processes: list[int], *, within: float) -> None:
    """Kill what `handles` has found and wait until it is gone, at most so many seconds: what held gigabytes takes a
    moment to die.  The descriptors are closed."""
    left, deadline = set(processes), time.monotonic() + within
    while left and time.monotonic() < deadline:
        for process in list(left):
            try:
                signal.pidfd_send_signal(process, signal.SIGKILL)
            except ProcessLookupError:
                left.remove(process)
        time.sleep(0.01 if left else 0)
    for process in processes:
        os.close(process)


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def _share(pid: int) -> int:
    """Proportional set size; the resident one where the kernel does not tell."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(b"Pss:"))
    except (ProcessLookupError, StopIteration):
        return 0
    except OSError:
        return _resident(pid)
