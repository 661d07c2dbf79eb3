"""Which walls are there around a worker?  The kernel's: namespaces by bubblewrap, a user of its own, limits.

Inside: the system and the library, to read; 64 MB of /tmp and of /dev/shm in memory; no network, no other process, no
capability, an empty environment.  As root the worker becomes a user that owns nothing, because limits do not bind root.
As an ordinary user bubblewrap is process 1 inside and its /proc/1/environ is open to read: it is started with nothing
in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from coursework import memory

NEEDED = {"bwrap": "bubblewrap", "setpriv": "util-linux", "prlimit": "util-linux"}
PROFILE = """\
/etc/apparmor.d/bwrap:
  abi <abi/4.0>,
  profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, }
then: sudo apparmor_parser -r /etc/apparmor.d/bwrap"""


@dataclass(frozen=True)
class Limits:
    """Seconds a call and for all cells; bytes of memory a process and of all together, of files, of text that is kept;
    processes."""

    call: float = 30
    notebook: float = 60
    memory: int = 4 << 30
    together: int = 4 << 30
    scratch: int = 64 << 20
    text: int = 20_000
    processes: int = 48


def missing() -> str:
    """Why there is no sandbox on this machine and what to do about it, or nothing."""
    if not sys.platform.startswith("linux"):
        return "strangers' code is locked in by Linux; mark on Linux, or trust it: --trust"
    absent = sorted({package for tool, package in NEEDED.items() if shutil.which(tool) is None})
    if absent:
        return f"strangers' code is locked in by {', '.join(absent)}; sudo apt install {' '.join(absent)}, or --trust"
    refused = memory.pipe()
    tried = subprocess.run(
        ["bwrap", *walls(refused), "--ro-bind", "/", "/", "--proc", "/proc", "--", "/bin/true"], pass_fds=[refused],
        env={"PATH": "/usr/bin:/bin"}, capture_output=True, encoding="utf-8", errors="replace", timeout=60,
    )  # fmt: skip
    os.close(refused)
    if tried.returncode == 0:
        return ""
    why = (tried.stderr.strip().splitlines() or ["it says nothing"])[-1][:200]
    remedy = f"; where AppArmor forbids it (Ubuntu 24.04), write\n{PROFILE}" if "setting up uid map" in why else ""
    return f"bubblewrap does not work here ({why}); mark on another machine, or trust the code: --trust{remedy}"


def walls(refused: int) -> list[str]:
    """The namespaces and rights of bubblewrap's command line; from the pipe it reads what the kernel refuses."""
    root = os.geteuid() == 0
    return [
        "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
        *([] if root else ["--unshare-user"]), "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL",
        *(["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if root else []),
        *(["--seccomp", str(refused)] if memory.refusals() else []),
    ]  # fmt: skip


def command(library: Path, limits: Limits, inbox: int, outbox: int, refused: int) -> list[str]:
    """The whole command line of a worker with these two pipes; the third is that of `memory`."""
    prefix = Path(sys.prefix).resolve()
    bwrap = ["bwrap", *walls(refused), *room(prefix, Path(sys.executable).resolve().parents[1], scratch=limits.scratch)]
    bwrap += ["--ro-bind", str(library), "/book", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]
    for key, value in environment("/book", "/tmp").items():
        bwrap += ["--setenv", key, value]
    uid = str(60_000 + os.getpid() % 5000)
    drop = ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "--no-new-privs", "--inh-caps=-all",
            "--bounding-set=-all"]  # fmt: skip
    return [*bwrap, "--", *(drop if os.geteuid() == 0 else []), *confined(limits, prefix, inbox, outbox)]


def room(*folders: Path, scratch: int) -> list[str]:
    """A root with the system and these folders, to read, and two scratches of so many bytes."""
    binds = list(dict.fromkeys(["/usr", *map(str, folders)]))
    # scratch first: what is bound below it, as the Python of a checkout in /tmp, is then seen
    bwrap = ["--size", str(scratch), "--perms", "1777", "--tmpfs", "/tmp"]
    for path in dict.fromkeys(str(p) for b in binds for p in reversed(Path(b).parents) if str(p) != "/"):
        bwrap += ["--perms", "0755", "--dir", path]  # else they are 0700, closed to the user that root becomes
    for path in binds:
        bwrap += ["--ro-bind", path, path]
    for name in ("bin", "lib", "lib64", "sbin"):
        bwrap += ["--symlink", f"usr/{name}", f"/{name}"]
    bwrap += ["--proc", "/proc", "--dev", "/dev"]
    return [*bwrap, "--size", str(scratch), "--perms", "1777", "--tmpfs", "/dev/shm"]  # /dev may be half the memory


def confined(limits: Limits, prefix: Path, inbox: int, outbox: int) -> list[str]:
    """The worker itself under the limits of the kernel; all that is left of the walls with --trust."""
    seconds = int(limits.notebook + 20 * limits.call)
    return [
        "prlimit", f"--nproc={limits.processes}", f"--as={limits.memory}", f"--fsize={limits.scratch}",
        f"--cpu={seconds}", "--core=0", "--nofile=256", "--",
        str(prefix / "bin" / "python"), "-P", "-m", "coursework.worker", str(inbox), str(outbox),
    ]  # fmt: skip


def environment(library: str, home: str) -> dict[str, str]:
    """All that a worker finds in its environment."""
    return {
        "HOME": home, "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "PYTHONPATH": library,
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8", "IPYTHONDIR": f"{home}/ipython",
    }  # fmt: skip
