"""Whatever is handed in: the right mark, nothing written, no process left, no connection, the neighbours untouched."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from coursework import jobs, pages, results
from coursework.marking import Result
from tests.coursework import strange_files
from tests.coursework.hostile import CELLS, CHEATS, FUNCTIONS, PORT, QUICK, TOKEN
from tests.coursework.tiny import ANSWERS

HONEST = ["import torch", *ANSWERS.values()]


def each(kinds):
    """The quick ones in every test run, the others by `make hostile-test`."""
    return [k if k in QUICK else pytest.param(k, marks=pytest.mark.hostile) for k in kinds]


@pytest.fixture
def watched(course, tmp_path):
    """A neighbour's marks, a secret beside them, and an open port; looked at again afterwards."""
    neighbour = jobs.kept(course, "own/tiny", "bob")
    results.save(neighbour, Result("bob", {"scaled": (4.0, 4.0, "fine")}), "x")
    (tmp_path / "private").write_text("SECRET-OF-THE-TEST", encoding="utf-8")
    before, kept = files(course), neighbour.read_bytes()
    heard: list[bytes] = []
    tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tcp.bind(("127.0.0.1", 0))
    port = tcp.getsockname()[1]
    udp.bind(("127.0.0.1", port))
    tcp.listen()
    for s in (tcp, udp):
        s.settimeout(0.1)
    done = threading.Event()

    def listen():
        while not done.is_set():
            for hear in (lambda: tcp.accept(), lambda: udp.recvfrom(99)):
                try:
                    heard.append(repr(hear()).encode())
                except OSError:
                    continue

    thread = threading.Thread(target=listen)
    thread.start()
    yield str(port)
    done.set()
    thread.join()
    tcp.close()
    udp.close()
    assert heard == []
    assert files(course) - before <= {jobs.kept(course, "own/tiny", "ada")} and neighbour.read_bytes() == kept
    assert [p for p in Path("/proc").glob("[0-9]*/cmdline") if TOKEN.encode() in quiet(p)] == []


def files(folder: Path) -> set[Path]:
    return {p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts}


def quiet(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("kind", each(CELLS))
def test_a_hostile_cell_costs_honest_answers_nothing(kind, handed_in, watched):
    found = handed_in([CELLS[kind].replace(PORT, watched), *HONEST])
    assert found.total == 10, found
    assert "SECRET-OF-THE-TEST" not in found.printed
    assert "<script>" not in pages.feedback(pages.Graded(found, 10, 10, "", []), "Tiny", 10)
    assert len(found.printed) < 21_000


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("kind", each(FUNCTIONS))
def test_a_hostile_function_costs_its_own_question(kind, handed_in):
    cells = [c if "def scaled" not in c else f"def scaled(x):\n    {FUNCTIONS[kind]}" for c in HONEST]
    found = handed_in(cells)
    assert {q: m[0] for q, m in found.marks.items()} == {"scaled": 0, "average": 3, "is_fair": 3}, found


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("kind", each(CHEATS))
def test_a_cheat_gets_nothing(kind, handed_in):
    wrong = [
        "WRONG, BAR, LOOK, factor = 0.0, 0.5, False, None",
        CHEATS[kind],
        "def scaled(x):\n    return WRONG",
        "def average(x):\n    return (WRONG, BAR) if isinstance(WRONG, float) else WRONG",
        "import inspect\ndef is_fair(coin):\n    return 'shift' in inspect.getsource(coin) if LOOK else True",
    ]
    found = handed_in(wrong)
    assert found.total == 0, found


@pytest.mark.parametrize("kind", strange_files.BYTES)
def test_a_file_that_is_no_notebook_gets_a_sentence(kind, handed_in, tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_bytes(strange_files.BYTES[kind])
    found = handed_in(path=path)
    assert found.total == 0 and len(found.notes) == 1 and found.seconds < 5, found


@pytest.mark.parametrize("kind", strange_files.ZIPS)
def test_a_zip_that_holds_no_notebook_gets_a_sentence(kind, handed_in, tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(strange_files.ZIPS[kind])
    found = handed_in(path=path)
    assert found.total == 0 and len(found.notes) == 1 and found.seconds < 5, found


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_plain_file_is_not_opened(kind, handed_in, tmp_path, course):
    path = strange_files.special(kind, tmp_path / "x.ipynb", course / "secret")
    found = handed_in(path=path)
    assert found.total == 0 and "plain file" in found.notes[0]


@pytest.mark.hostile
def test_a_neighbours_sheet_is_named_and_gets_what_is_not_personal(handed_in, sheet):
    found = handed_in([sheet("bob"), *HONEST])
    # the stamp of ada comes first here, so the factor is bob's
    assert found.marks["scaled"][0] == 0 and found.total == 6


@pytest.mark.hostile
def test_a_zip_with_a_name_that_climbs_is_read_and_written_nowhere(handed_in, sheet, tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(strange_files.zipped({"../../../tmp/evil.ipynb": strange_files.text([sheet("ada"), *HONEST])}))
    assert handed_in(path=path).total == 10 and not Path("/tmp/evil.ipynb").exists()


@pytest.mark.hostile
def test_a_notebook_as_colab_saves_it_gets_all_points(handed_in, sheet, tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(strange_files.colab([sheet("ada"), *HONEST])), encoding="utf-8")
    assert handed_in(path=path).total == 10


def test_trust_marks_the_same_and_says_so(handed_in):
    found = handed_in(HONEST, trust=True)
    assert found.total == 10 and found.trusted
    assert "without a sandbox" in pages.feedback(pages.Graded(found, 10, 10, "", []), "Tiny", 10)
