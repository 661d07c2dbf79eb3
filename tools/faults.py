"""What is said when something cannot go on: one line with what is wrong and what would be right, not a traceback."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn


class Fault(ValueError):
    """Something that an author can repair; its text is one line that says where and how."""


def of_the_disk(error: OSError) -> str:
    """One line about a file that could not be read or written."""
    where = error.filename or "a file of this build"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}: the disk is full; free some space and run it again, what has finished is kept"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"{where}: {error.strerror}; the book is built inside its own folder: put it where you may write"
    if isinstance(error, (FileExistsError, NotADirectoryError, IsADirectoryError)):
        return f"{where}: {error.strerror}; something else lies where the build writes: remove it, or run make clean"
    return f"{where}: {error.strerror or error}"


def ended(code: int) -> str:
    """How a process ended, and what to do about it, for one that was killed."""
    if code == -signal.SIGKILL:
        return "was killed, most often because memory ran out; close other programs, or run fewer at a time: JOBS=1"
    return f"ended with exit code {code}"


def end(main: Callable[[], int]) -> NoReturn:
    """Run a tool's `main` and exit with its code; a fault ends in its own line."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        sys.exit(main())
    except Fault as fault:
        print(fault)
    except BrokenPipeError:  # as of make book | head
        os._exit(1)
    except OSError as error:
        print(of_the_disk(error))
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(1)
