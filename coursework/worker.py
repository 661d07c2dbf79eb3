"""Inside the sandbox: run the cells, then answer calls.  Nothing here is trusted, and nothing here is secret."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from coursework import calls, frames


def main() -> None:
    """python -m coursework.worker INBOX OUTBOX, two open pipes."""
    inbox, outbox = (int(fd) for fd in sys.argv[1:3])
    line = Line(inbox, outbox)
    request, _ = line.receive()
    import torch
    from IPython.core.interactiveshell import InteractiveShell

    torch.set_num_threads(1)
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False  # type: ignore[union-attr]
    line.send({"faults": run(line, shell, request["cells"], request["seconds"], set(request["skip"]))})
    while True:
        request, arrays = line.receive()
        try:
            answer = calls.called(shell.user_ns, request, arrays, line.outside)
        except BaseException as error:
            line.send({"error": f"{type(error).__name__}: {str(error)[:300]}"})
        else:
            line.send({"done": True}, [answer])


class Line:
    """The two pipes to the marker."""

    def __init__(self, inbox: int, outbox: int) -> None:
        self.inbox, self.outbox = inbox, outbox

    def receive(self) -> tuple[dict[str, Any], list[Any]]:
        return frames.unpacked(self._read)

    def send(self, head: dict[str, Any], arrays: Any = ()) -> None:
        data = frames.packed(head, arrays)
        while data:
            data = data[os.write(self.outbox, data) :]

    def outside(self, *arguments: Any) -> Any:
        """Ask the box that lives outside; tensors, arrays and numbers in, tensors out."""
        import torch

        self.send({"box": True}, [torch.as_tensor(a, dtype=torch.float64).detach().numpy() for a in arguments])
        reply, arrays = self.receive()
        if "error" in reply:
            raise RuntimeError(reply["error"])
        found = [torch.from_numpy(a) for a in arrays]
        return found[0] if len(found) == 1 else tuple(found)

    def _read(self, n: int) -> bytes:
        data = b""
        while len(data) < n:
            block = os.read(self.inbox, n - len(data))
            if not block:
                os._exit(0)
            data += block
        return data


class TooLong(Exception):
    """A cell that did not end."""


def bell(*_: Any) -> None:
    raise TooLong("this cell took longer than allowed")


def run(line: Line, shell: Any, cells: list[str], seconds: float, skip: set[int]) -> list[list[Any]]:
    """Each cell on its own: an error in one does not stop the next."""
    faults: list[list[Any]] = []
    signal.signal(signal.SIGALRM, bell)
    for i, source in enumerate(cells):
        if i in skip:
            continue
        line.send({"cell": i})
        line.receive()
        signal.alarm(max(1, int(seconds)))
        error: Any
        try:
            result = shell.run_cell(source, store_history=False, silent=False)
            error = result.error_before_exec or result.error_in_exec
        except BaseException as caught:
            error = caught
        signal.alarm(0)
        if error is not None:
            faults.append([i, type(error).__name__, str(error)[:300]])
    return faults


if __name__ == "__main__":
    main()
