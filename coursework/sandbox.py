"""Where does a student's code run?  In a process that can compute and answer, and can do nothing else.

What it sends back are numbers, scored outside: nothing in it is worth forging.  Every fault of it, silence, garbage or
death, is `Ended`, with a sentence for the student.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from coursework import cage, frames, memory
from coursework.cage import Limits

MOST_PRINTED = 64 << 20
DEATHS = {  # 128 and the signal, by its number: Windows, where work is rehearsed only, lacks the names
    None: "it closed the line to the marker",
    0: "it ended itself",
    128 + 9: "it was stopped by the system (memory, or it killed itself)",  # SIGKILL
    128 + 24: "it used more processor time than allowed",  # SIGXCPU
    128 + 11: "it crashed (often memory)",  # SIGSEGV
    128 + 6: "it crashed (often memory)",  # SIGABRT
}
Reply = tuple[dict[str, Any], list[np.ndarray]]


class Ended(Exception):
    """The sandbox gave no answer; the text says why."""


@dataclass
class Sandbox:
    """One running worker: `ask` sends a request with arrays and waits for the answer.  Raises `Ended`."""

    library: Path
    limits: Limits = field(default_factory=Limits)
    trust: bool = False
    printed: str = ""
    cell: int | None = None
    stopped: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Sandbox:
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        self.home = tempfile.mkdtemp(prefix="coursework-") if self.trust else ""
        refused = memory.pipe()
        command = cage.command(self.library, self.limits, theirs_in, theirs_out, refused)
        environment = {"PATH": "/usr/bin:/bin"}  # bubblewrap's own, open to read inside
        if self.trust:
            command = cage.confined(self.limits, Path(sys.prefix), theirs_in, theirs_out)
            command = [part for part in command if not part.startswith("--nproc")]  # all the user's processes count
            environment = cage.environment(str(self.library), self.home)
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                pass_fds=(theirs_in, theirs_out, refused), start_new_session=True, env=environment,
                cwd=self.home or None,
            )  # fmt: skip
        finally:
            for fd in (theirs_in, theirs_out, refused):
                os.close(fd)
        os.set_blocking(ours_out, False)
        self.inbox, self.outbox = ours_in, ours_out
        for task in (self._listen, self._watch):
            threading.Thread(target=task, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        inside = memory.handles(memory.below(self.process.pid)[1:])  # now: soon they are nobody's children
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        memory.end(inside, within=5.0)
        os.close(self.inbox)
        os.close(self.outbox)
        if self.home:
            shutil.rmtree(self.home, ignore_errors=True)

    def ask(self, request: dict[str, Any], arrays: Sequence[np.ndarray] = (), *, deadline: float) -> Reply:
        """The answer to a request, or to a reply to the box's question; deadline in seconds of `time.monotonic`."""
        self._send(frames.packed(request, arrays), deadline)
        try:
            return frames.unpacked(lambda n: self._read(n, deadline))
        except frames.Unreadable as error:
            raise Ended(str(error)) from None

    def _send(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            if not select.select([], [self.outbox], [], max(0, deadline - time.monotonic()))[1]:
                raise Ended("it took longer than allowed")
            try:
                view = view[os.write(self.outbox, view[:65536]) :]
            except OSError:
                raise Ended(self._death()) from None

    def _read(self, n: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < n:
            if not select.select([self.inbox], [], [], max(0, deadline - time.monotonic()))[0]:
                raise Ended("it took longer than allowed")
            block = os.read(self.inbox, min(n - len(data), 1 << 20))
            if not block:
                raise Ended(self._death())
            data += block
        return bytes(data)

    def _death(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(2)
        if self.stopped:
            return self.stopped
        code = self.process.returncode
        code = 128 - code if code is not None and code < 0 else code
        return DEATHS.get(code, f"it ended itself with code {code}")

    def _watch(self) -> None:
        """End a box whose processes together hold more memory than allowed."""
        most, pace = self.limits.together, memory.PACE
        while not self.over.wait(pace):
            began = time.monotonic()
            if memory.together(self.process.pid, most) > most and self.process.poll() is None:
                self.stopped = f"its processes together used more than the allowed {most / 2**30:.3g} GB of memory"
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                return
            pace = min(1.0, max(memory.PACE, 20 * (time.monotonic() - began)))  # a look at a busy machine takes longer

    def _listen(self) -> None:
        """Keep the first text, drop the rest, hang up on a flood."""
        seen, stream = 0, self.process.stdout
        assert stream is not None
        with contextlib.suppress(OSError, ValueError):
            while block := stream.read1(65536):  # type: ignore[attr-defined]
                if len(self.printed) < self.limits.text:
                    text = block.decode("utf-8", "replace")
                    self.printed += text[: self.limits.text - len(self.printed)]
                seen += len(block)
                if seen > MOST_PRINTED:
                    self.printed += f"\n[more than {MOST_PRINTED >> 20} MB were printed: cut]"
                    break
        stream.close()
