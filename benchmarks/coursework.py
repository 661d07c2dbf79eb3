"""Who survives hostile notebooks?  nbgrader, otter-grader and this book's marker, judged by one rule.

The same question, the same hostile cell, and after it a wrong answer: the right mark is zero.  A case ends well when
the mark is right, the neighbour keeps his work and his mark, no file is changed or made that an honest notebook leaves
alone, no process is left, nothing was heard on the network, and the tool ends by itself.  Each tool runs as its manual
says, with its own limits: `nbgrader autograde` and `export`, `otter run` (without docker), `coursework.grade`.

For the sake of this machine everything runs in a cage: no network but a listener's, a system that is read-only, files
in memory.  Within it each peer has processes of its own, and is the user to whom the lecturer's files belong.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import coursework_forms as forms
from benchmarks import table
from coursework import cage, memory
from tests.coursework.hostile import PORT

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".venv" / "graders"
RACE, DESK = Path("/tmp/race"), Path("/tmp/desk")  # in the cage
PATIENCE, MEMORY, USER = 600, 6 << 30, "61235"
Marks = dict[str, float]


def main() -> int:
    """Print the table; within the cage with the argument --caged."""
    if "--caged" in sys.argv:
        race()
        return 0
    if why := cage.missing():
        table.missing("hostile notebooks through three graders", why.splitlines()[0])
        return 0
    command = [
        "bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--die-with-parent", "--ro-bind", "/", "/",
        "--dev-bind", "/dev", "/dev", "--proc", "/proc", "--size", str(1 << 30), "--tmpfs", "/tmp",
        "--ro-bind", str(ROOT), str(ROOT), "--chdir", str(ROOT), "--setenv", "PYTHONDONTWRITEBYTECODE", "1", "--",
        sys.executable, "-m", "benchmarks.coursework", *sys.argv[1:], "--caged",
    ]  # fmt: skip
    return subprocess.run(command).returncode


def ours(step: str, seconds: float) -> Marks:
    """A course folder, and the two commands of the book."""
    if step == "set up":
        forms.ours(DESK)
        forms.hand_in_ours(DESK, "bob", forms.NOTHING, forms.SOLUTION)
    command = [sys.executable, "-m", "coursework.grade", str(DESK / "submissions"), "--course", str(DESK / "course")]
    run([*command, "--assignment", "own/one", "--jobs", "1"], seconds)
    with (DESK / "course" / "grades.csv").open(encoding="utf-8") as file:
        return {row["student"]: float(row["total"]) for row in csv.DictReader(file)}


def nbgrader(step: str, seconds: float) -> Marks:
    """A course directory with its data base."""
    tool, student = str(PEERS / "bin" / "nbgrader"), "ada"
    if step == "set up":
        forms.nbgrader(DESK)
        run(caged(f"{tool} generate_assignment hw"), seconds)
        forms.hand_in_nbgrader(DESK, student := "bob", forms.NOTHING, forms.SOLUTION)
    run(caged(f"{tool} autograde hw --student {student}; {tool} export"), seconds)
    with (DESK / "grades.csv").open(encoding="utf-8") as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


def otter(step: str, seconds: float) -> Marks:
    """An autograder's zip, a folder of submissions, a folder of results."""
    tool, student = str(PEERS / "bin" / "otter"), "ada"
    if step == "set up":
        forms.otter(DESK)
        run(caged(f"{tool} assign hw.ipynb dist --no-pdfs; mv dist/autograder/*.zip hw.zip; mkdir ada bob"), seconds)
        forms.hand_in_otter(DESK, student := "bob", forms.NOTHING, forms.SOLUTION)
    run(caged(f"{tool} run -a hw.zip -o {student} {student}.ipynb"), seconds)
    results = {p.parent.name: json.loads(p.read_text(encoding="utf-8")) for p in DESK.glob("*/results.json")}
    return {s: sum(test.get("score", 0.0) for test in found["tests"]) for s, found in results.items()}


TOOLS: dict[
    str, tuple[Callable[[str, float], Marks], Callable[..., None], str]
] = {  # marks, hands in, what it writes anew
    "fieldkit": (ours, forms.hand_in_ours, "course/grades.csv"),
    "nbgrader": (nbgrader, forms.hand_in_nbgrader, "grades.csv"),
    "otter": (otter, forms.hand_in_otter, "ada/results.json"),
}


def race() -> None:
    """All kinds through all tools that are there; names in the arguments are the only ones."""
    RACE.mkdir()
    kinds = {kind: forms.KINDS[kind] for kind in forms.KINDS if not (asked := sys.argv[1:-1]) or kind in asked}
    names = ["fieldkit"]
    for name in ("nbgrader", "otter"):
        if works(PEERS / "bin" / name):
            names.append(name)
        else:
            table.missing(f"hostile notebooks through {name}", "make bench installs it from requirements-graders.txt")
    usual, well = {name: prepared(name) for name in names}, dict.fromkeys(names, 0)
    print("\n" + f"{'a wrong answer after':<38}" + "".join(f"{name:<34}" for name in names), flush=True)
    for kind, (cell, answer) in kinds.items():
        print(f"{kind:<38}", end="", flush=True)
        for name in names:
            faults = case(name, cell, answer, *usual[name])
            well[name] += not faults
            print(f"{', '.join(faults) or 'well':<34}", end="", flush=True)
        print(flush=True)
    print(f"{'end well':<38}" + "".join(f"{f'{n} of {len(kinds)}':<34}" for n in well.values()).rstrip())


def works(tool: Path) -> bool:
    """Whether the command is there and its Python as well: a folder that was moved has commands that do not run."""
    try:
        return subprocess.run([tool, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def prepared(name: str) -> tuple[set[str], float]:
    """The lecturer's desk with the neighbour marked, kept for all cases; the files that honest work then changes, and
    the seconds that hostile work may take."""
    mark, hand_in, _ = TOOLS[name]
    shutil.rmtree(DESK, ignore_errors=True)
    DESK.mkdir()
    if mark("set up", PATIENCE).get("bob") != 4:
        raise RuntimeError(f"{name} gives right work less than 4 points: {log(2000)}")
    shutil.copytree(DESK, RACE / name, symlinks=True)
    hand_in(DESK, "ada", forms.NOTHING, forms.SOLUTION)
    before, began = files(), time.monotonic()
    if mark("mark", PATIENCE) != {"ada": 4, "bob": 4}:
        raise RuntimeError(f"{name} gives right work less than 4 points: {log(2000)}")
    allowed = 90 + 4 * (time.monotonic() - began)
    return {p for p, digest in files().items() if before.get(p) != digest}, allowed


def case(name: str, cell: str, answer: str, usual: set[str], seconds: float) -> list[str]:
    """What went wrong; nothing if it ended well."""
    mark, hand_in, written = TOOLS[name]
    shutil.rmtree(DESK)
    shutil.copytree(RACE / name, DESK, symlinks=True)
    (DESK / written).unlink(missing_ok=True)
    faults, marks = [], Marks()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hand_in(DESK, "ada", cell.replace(PORT, str(listener.getsockname()[1])), answer)
        before = files()
        try:
            marks = mark("mark", seconds)
        except Ended as ended:
            faults.append(str(ended))
        except (OSError, ValueError, KeyError, csv.Error):
            pass
        listener.settimeout(0.1)
        with contextlib.suppress(TimeoutError):
            listener.accept()
            faults.append("connected")
    if not faults:
        faults += {0: [], None: ["no mark"]}.get(marks.get("ada"), ["full marks"])
        faults += [] if "ada" not in marks or marks.get("bob") == 4 else ["neighbour's mark"]
    after = files()
    if changed := {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)} - usual:
        faults.append(f"changed {Path(min(changed)).name[:20]}")
    return faults


def files() -> dict[str, str]:
    """{path on the desk: digest of its bytes}"""
    return {
        str(p.relative_to(DESK)): hashlib.sha256(p.read_bytes()).hexdigest() for p in DESK.rglob("*") if p.is_file()
    }


def caged(shell: str) -> list[str]:
    """A peer's command as the user whose files lie on the desk, with processes of its own."""
    drop: list[str] = []
    if os.geteuid() == 0:
        drop = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"]
        for path in (DESK, *DESK.rglob("*")):
            os.chown(path, int(USER), int(USER))
    walls = [wall for wall in cage.walls(-1) if wall not in ("--unshare-net", "--seccomp", "-1")]
    walls += cage.room(PEERS, (PEERS / "bin" / "python").resolve().parents[1], scratch=1 << 28)
    walls += ["--ro-bind", "/etc", "/etc", "--bind", str(DESK), str(DESK), "--chdir", str(DESK)]
    search = f"{PEERS / 'bin'}:/usr/bin:/bin"
    for key, value in {"HOME": str(DESK), "PATH": search, "JUPYTER_RUNTIME_DIR": "/tmp", "IPYTHONDIR": "/tmp"}.items():
        walls += ["--setenv", key, value]
    limits = ["prlimit", f"--as={4 << 30}", "--nproc=200", "--"]
    return ["bwrap", *walls, "--", *drop, *limits, "sh", "-c", f"{shell}; touch ended; exec sleep 99"]


class Ended(Exception):
    """It was ended from outside, or left something behind."""


def run(command: list[str], seconds: float) -> None:
    """Run it to its end, or to that of its cage's first command.  Raises `Ended`."""
    ended, before, began, why = DESK / "ended", processes(), time.monotonic(), ""
    with (RACE / "log").open("ab") as log:
        going = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    while going.poll() is None and not ended.exists() and not why:
        time.sleep(0.2)
        why = "hangs" if time.monotonic() - began > seconds else ""
        why = "takes the memory" if memory.together(going.pid, MEMORY) > MEMORY else why
    time.sleep(0.5)
    if not why and processes() - before:
        why = "process left"
    with contextlib.suppress(ProcessLookupError):
        os.killpg(going.pid, signal.SIGKILL)
    going.wait()
    ended.unlink(missing_ok=True)
    if why:
        raise Ended(why)


def log(n: int) -> str:
    """The last words of the tools."""
    return (RACE / "log").read_text(encoding="utf-8", errors="replace")[-n:]


def processes() -> set[int]:
    """All of the cage's, but for a peer's own cage and what holds it open."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes()
            if line and not line.startswith((b"bwrap", b"sleep\x0099\x00")):
                found.add(int(path.parent.name))
    return found


if __name__ == "__main__":
    sys.exit(main())
