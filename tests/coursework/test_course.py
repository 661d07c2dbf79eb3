"""The lecturer's side: draws, release, deadlines, comments, results that are kept."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import joblib
import nbformat
import pytest

from coursework import (
    alike,
    assignments,
    cage,
    course,
    grade,
    late,
    library,
    rehearsal,
    release,
    results,
    separation,
    sheets,
)
from coursework.course import Fault, Student
from coursework.draws import Draws
from coursework.marking import Result

RAW = re.compile(r"\{[A-Za-z][\w:-]*\}`|^ *[`:]{3,}\{|^\([\w:-]+\)= *$", re.M)  # a role, a directive, a target
DRAWS = Draws(b"s" * 32, "lattice/machine", "Ada")


def test_draws_are_the_same_for_ever_and_for_every_spelling():
    assert DRAWS.seal() == Draws(b"s" * 32, "lattice/machine", " ada").seal() == "07fb6d573a"
    assert DRAWS.seal() != Draws(b"t" * 32, "lattice/machine", "Ada").seal()
    assert "ssss" not in repr(DRAWS)


def test_draws_lie_on_their_grid_and_fill_it():
    values = {Draws(b"s" * 32, "x", str(i)).between("m", -1, 1, step=0.5) for i in range(200)}
    assert values == {-1.0, -0.5, 0.0, 0.5, 1.0}
    assert sorted(DRAWS.shuffled("o", "abcd")) == list("abcd") and 0 <= DRAWS.seed("x") < 2**31


@pytest.fixture
def folder(tmp_path):
    text = "student,name,due,extra_hours\nada,Ada,,\nbob,,2030-01-01T12:00,24\n"
    (tmp_path / "roster.csv").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_secret_is_made_once_and_for_its_owner_only(folder):
    first = course.secret(folder, make=True)
    assert first == course.secret(folder, make=True) and (folder / "secret").stat().st_mode & 0o777 == 0o600
    (folder / "secret").chmod(0o644)
    with pytest.raises(Fault, match="chmod 600"):
        course.secret(folder)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no students"),
        ("name\nada\n", "student,name"),
        ("student\nada\nADA\n", "one name"),
        ("student,due\nada,tomorrow\n", "line 2"),
        ("student,extra_hours\nada,many\n", "line 2"),
        ("student,extra_hours\nada,nan\n", "line 2"),
        ("student,extra_hours\nada,-5\n", "line 2"),
        ('student,name\n"ada,Ada\nbob,Bob\n', "a quote left open"),
        ("student,name\na\0da,Ada\n", "control character"),
        ("student,name\n" + "a" * 200_000 + ",x\n", "field limit"),
    ],
)
def test_a_roster_with_a_fault_says_which(folder, text, words):
    (folder / "roster.csv").write_text(text, encoding="utf-8")
    with pytest.raises(Fault, match=words):
        course.roster(folder)


@pytest.mark.parametrize(
    "data",
    [
        "student,name,due,extra_hours\nzoë,Zoë Ø,2030-01-31,24\n".encode("utf-8-sig"),
        "student;name;due;extra_hours\r\nzoë;Zoë Ø;2030-01-31T23:59;24\r\n".encode(),
        "Student, Name ,Due,extra_hours\n\nzoë,Zoë Ø,2030-01-31, 24,7,8\n,,,\n".encode(),
    ],
    ids=["byte order mark", "semicolons and CRLF", "capitals, blanks, more columns"],
)
def test_a_roster_is_read_as_spreadsheets_write_it(data, folder):
    (folder / "roster.csv").write_bytes(data)
    assert course.roster(folder) == [Student("zoë", "Zoë Ø", datetime(2030, 1, 31, 23, 59), 24)]


@pytest.mark.parametrize("table", ["roster", "comments", "handed_in"])
def test_a_table_in_another_encoding_is_named(table, folder):
    (folder / f"{table}.csv").write_bytes("student,name\nzo\xeb,Z\n".encode("latin1"))
    with pytest.raises(Fault, match=f"{table}.csv: this is no UTF-8"):
        course.rows(folder / f"{table}.csv")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("late = 5", "tables"),
        ('[late]\nper_day = "much"', "per_day"),
        ("[late]\nmost_days = -1", "most_days"),
        ("[late", "course.toml"),
        ('[due]\n"x" = 7', "no time"),
    ],
)
def test_rules_with_a_fault_say_which(text, words, folder):
    (folder / "course.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Fault, match=words):
        late.due(folder, course.roster(folder)[0], "x")
        late.factor(folder, timedelta(hours=1))


def test_a_day_without_a_time_ends_late_and_a_zone_is_turned_into_ours(folder):
    (folder / "course.toml").write_text('[due]\n"x" = 2030-01-31\n', encoding="utf-8")
    assert late.due(folder, course.roster(folder)[0], "x") == datetime(2030, 1, 31, 23, 59)
    (folder / "roster.csv").write_text("student,due\nada,2030-01-31T12:00+00:00\n", encoding="utf-8")
    ours = datetime(2030, 1, 31, 12, tzinfo=UTC).astimezone().replace(tzinfo=None)
    assert late.due(folder, course.roster(folder)[0], "x") == ours


def test_a_secret_that_is_gone_is_not_made_anew_under_sheets_that_are_out(folder):
    course.secret(folder, make=True)
    (folder / "release").mkdir()
    (folder / "secret").unlink()
    for make in (True, False):
        with pytest.raises(Fault, match="restore it"):
            course.secret(folder, make=make)


@pytest.mark.parametrize("text", ["x = (", "raise OSError('gone')", "import nothing_of_this_name"])
def test_an_own_assignment_that_cannot_be_loaded_is_one_line(text, folder, capsys):
    (folder / "sheets").mkdir()
    (folder / "sheets" / "mine.py").write_text(text, encoding="utf-8")
    assert release.main([str(folder), "--assignment", "own/mine"]) == 2
    said = capsys.readouterr().err
    assert "mine.py" in said and "cannot be loaded" in said and said.count("\n") == 1


def test_a_course_that_is_no_folder_is_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert release.main([str(tmp_path / "file")]) == 2 and grade.main(["x", "--course", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_a_marking_process_that_is_killed_is_one_line(folder, monkeypatch, capsys):
    def killed(*_, **__):
        joblib.Parallel(n_jobs=2)(joblib.delayed(os._exit)(9) for _ in range(2))

    monkeypatch.setattr(grade, "grade", killed)
    assert grade.main(["x", "--course", str(folder), "--jobs", "2"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == grade.STOPPED


def test_no_two_students_share_a_file():
    names = ["a/b", "A-B", "ada", "x" * 70 + "1", "x" * 70 + "2"]
    found = release.file_names(names)
    assert len({f.casefold() for f in found.values()}) == len(names) and found["ada"] == "ada"


def test_points_that_are_none_and_points_of_nobody_are_named(folder):
    path = folder / "comments.csv"
    path.write_text("student,question,points,text\nkey,,,a text\nadda,x,1,@key\n", encoding="utf-8")
    assert late.of_nobody(folder, course.roster(folder)) == ["adda"]
    path.write_text("student,question,points,text\nada,x,nan,\n", encoding="utf-8")
    with pytest.raises(Fault, match="no number"):
        late.comments(folder, "ada")


@pytest.mark.parametrize("name", assignments.ORDER)
def test_a_sheet_is_plain_python_and_markdown_with_the_students_numbers(name):
    module = assignments.find(name)
    draws = Draws(b"s" * 32, module.NAME, "Ada")
    book = release.notebook(module, draws, library="x")
    nbformat.validate(book)
    code = [c.source for c in book.cells if c.cell_type == "code"]
    prose = "\n".join(c.source for c in book.cells if c.cell_type == "markdown")
    names: dict = {}
    exec(next(c for c in code if "seal" in c), names)
    assert {n: names[n] for n in module.NAMES} == module.parameters(draws) and names["seal"] == draws.seal()
    assert not RAW.search(prose) and "](https://colab" in prose
    answers = release.notebook(module, draws, answers=True).cells
    assert not RAW.search("\n".join(c.source for c in answers if c.cell_type == "markdown"))
    for task in module.TASKS:
        assert any(f"def {task.name}(" in c for c in code) and f"`{task.name}`" in prose + f"`{task.name}`"
    assert f'rehearse("{name}")' in code[-1]
    points = [float(p) for p in re.findall(r"^## .*\((\d+) points?\)$", prose, re.M)]
    assert points == [t.points for t in module.TASKS] and sum(points) == 10 and len(points) >= 4


@pytest.mark.parametrize("name", assignments.ORDER)
def test_parameters_differ_on_at_least_three_axes(name):
    module = assignments.find(name)
    given = [module.parameters(Draws(b"s" * 32, name, str(i))) for i in range(30)]
    assert sum(len({repr(g[n]) for g in given}) > 1 for n in given[0]) >= 3


def test_release_writes_a_notebook_each_and_solutions_and_truths(folder, capsys):
    assert release.main([str(folder), "--assignment", "lattice/machine"]) == 0
    assert "pairs not told apart" in capsys.readouterr().out
    for kind in ("release", "solutions"):
        assert sorted(p.name for p in (folder / kind / "lattice-machine").iterdir()) == ["ada.ipynb", "bob.ipynb"]
    lines = (folder / "truths" / "lattice-machine.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3 and lines[0].startswith("student,stiffness")
    for path in (folder / "truths", folder / "solutions", *(folder / "truths").iterdir()):
        assert path.stat().st_mode & 0o077 == 0  # others on the machine may be the students
    first = (folder / "release" / "lattice-machine" / "ada.ipynb").read_bytes()
    release.main([str(folder), "--assignment", "lattice/machine"])
    assert (folder / "release" / "lattice-machine" / "ada.ipynb").read_bytes() == first


def test_release_refuses_truths_that_lie_too_near(folder, monkeypatch):
    module = assignments.find("lattice/machine")
    monkeypatch.setattr(module, "truths", lambda t: {"force": {"x": (round(t.mass2), 0.01)}})
    with pytest.raises(Fault, match="cannot be told apart"):
        release.release(folder, module)
    assert not (folder / "release").exists()


def test_release_without_a_roster_writes_its_first_line_and_says_so(tmp_path, capsys):
    assert release.main([str(tmp_path / "new")]) == 2
    assert "roster.csv: written" in capsys.readouterr().err


def test_pairs_are_alike_only_when_all_numbers_are():
    a, b, c = ({"q": {"x": (v, 0.1), "y": (w, 0.1)}} for v, w in ((0, 0), (0.3, 0.3), (0.3, 5)))
    assert separation.confused([a, b, c])["q"] == pytest.approx(1 / 3) and separation.confused([a]) == {}


def test_a_late_day_costs_what_the_rule_says_and_an_extension_counts(folder):
    ada, bob = course.roster(folder)
    assert late.due(folder, ada, "x") is None and late.due(folder, bob, "x") == datetime(2030, 1, 2, 12)
    hour = timedelta(hours=1)
    assert [late.factor(folder, h * hour)[0] for h in (-1, 0, 1, 25, 24 * 5, 24 * 5 + 1)] == [1, 1, 0.9, 0.8, 0.5, 0]
    (folder / "course.toml").write_text('[late]\nper_day = 0.5\n[due]\n"x" = 2029-01-01T00:00:00\n', encoding="utf-8")
    assert late.due(folder, ada, "x") == datetime(2029, 1, 1) and late.factor(folder, hour)[0] == 0.5


def test_a_comment_can_be_used_again(folder):
    text = "student,question,points,text\nbars,,,think of memory\nada,estimate,-0.5,@bars\nbob,,1,well done\n"
    (folder / "comments.csv").write_text(text, encoding="utf-8")
    assert late.comments(folder, "ADA") == [("estimate", -0.5, "think of memory")]
    assert late.comments(folder, "bob") == [("", 1.0, "well done")]


def test_a_result_is_kept_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.json"
    result = Result("ada", {"q": (1.0, 2.0, "so")}, ["n"], {"q": [(0.5, 1.1)]})
    results.save(path, result, "d")
    assert results.load(path, "d") == result and results.load(path, "e") is None and results.load(path) == result
    path.write_bytes(path.read_bytes()[:40])
    assert results.load(path) is None and list(tmp_path.iterdir()) == [path]


def test_like_code_is_found_under_other_names_and_numbers():
    one = "def f(x):\n" + "".join(f"    a{i} = x + {i}\n" for i in range(12)) + "    return a1"
    other = one.replace("a1", "b7").replace("x", "why").replace("+ 3", "+ 9")
    codes = {"ada": alike.fingerprint([one]), "bob": alike.fingerprint([other]), "eve": alike.fingerprint(["x = 1"])}
    assert alike.groups(codes) == [["ada", "bob"]]


def test_a_neighbours_seal_is_named():
    students = [Student("Ada", "", None, 0), Student("bob", "", None, 0)]
    bob = Draws(DRAWS.secret, DRAWS.assignment, "bob")
    assert "made for bob" in alike.seals([bob.seal()], DRAWS, students)[0]
    assert alike.seals([DRAWS.seal()], DRAWS, students) == []


def inside(seen, program, *arguments):
    """What a program prints that has the library as it is seen inside."""
    command, environment = [sys.executable, "-P", "-c", program, *arguments], {"PYTHONPATH": str(seen)}
    done = subprocess.run(command, env=environment, cwd=seen, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_library_inside_holds_no_exact_result(tmp_path):
    seen = library.make(tmp_path / "book")
    assert not (seen / "fieldkit" / "answers").exists() and not (seen / "coursework" / "draws.py").exists()
    program = "import coursework.rehearsal, coursework.calls\n"
    for module, name in (("free_exact", "propagator"), ("small_lattices", "torus")):
        program += f"from fieldkit.lattice import {module}\n"
        program += f"try:\n    {module}.{name}\nexcept AttributeError as e:\n    print(e)\n"
    assert re.findall(r"compute (\w+)", inside(seen, program)) == ["propagator", "torus"]


EVERY = """
import importlib, pathlib, sys
for path in sorted(pathlib.Path("fieldkit").rglob("*.py")):
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    try:
        importlib.import_module(name)
    except Exception as error:
        print(name, repr(error))
"""


@pytest.mark.parametrize("hides", sorted({assignments.find(name).HIDES for name in assignments.ORDER}), ids=str)
def test_every_module_imports_inside_whatever_an_assignment_hides(hides, tmp_path):
    assert all(file in library.exact([file]) for file in hides)
    assert inside(library.make(tmp_path / "book", hides), EVERY) == ""


def test_free_fields_can_be_drawn_inside(tmp_path):
    program = "import torch\nfrom fieldkit.lattice import free\n"
    program += "print(free.sample(2, 4, 1, mass2=1.0, rng=torch.Generator()).shape)"
    assert "[2, 4]" in inside(library.make(tmp_path / "book"), program)


def test_rehearsal_prints_a_line_for_each_question_and_its_sum(capsys):
    module = assignments.find("lattice/machine")
    names = module.parameters(DRAWS)
    found = rehearsal.rehearse("lattice/machine", names)
    out = capsys.readouterr().out.splitlines()
    assert found.total == 0 and len(out) == 5 and "there is no force" in out[0]
    with pytest.raises(NameError, match="run the cell with your numbers"):
        rehearsal.rehearse("lattice/machine", {})


def test_without_the_tools_the_remedy_is_one_sentence(monkeypatch):
    monkeypatch.setattr(cage.shutil, "which", lambda name: None)
    assert "sudo apt install bubblewrap util-linux" in cage.missing()


def test_the_scratch_hides_no_checkout_in_tmp(tmp_path):
    command = cage.command(tmp_path, cage.Limits(), 3, 4, 5)
    assert command.index("--tmpfs") < command.index("--ro-bind")


def test_file_names_are_no_paths():
    for name in ("../../x", "a/b", "", ".", "=cmd|x", "\u202egnp.exe", "x" * 999):
        assert (
            "/" not in release.unique_name(name)
            and release.unique_name(name)[0] not in ".="
            and len(release.unique_name(name)) < 60
        )


OWN = """# Own

Read {doc}`/book/lattice/phi4`, {cite:t}`wolff2004`, then ([](#x) is not needed) eq. {eq}`own-law`:

$$ a = b $$ (own-law)

```{admonition} A hint
:class: dropdown

Think of {cite:p}`wolff2004`.
```

```{code-cell} ipython3
:tags: [parameters]

```
"""


def test_a_sheet_of_the_lecturers_own_is_translated_as_chapters_are(tmp_path):
    path = tmp_path / "own.md"
    path.write_text(OWN.replace("([](#x) is not needed) ", ""), encoding="utf-8")
    prose = "\n".join(c.source for c in sheets.cells(path) if c.cell_type == "markdown")
    assert not RAW.search(prose)
    for plain in ("[What changes when", "Wolff (2004)](", "eq. (1)", "\\tag{1}", "<details><summary>A hint</summary>"):
        assert plain in prose


@pytest.mark.parametrize(
    ("text", "words"),
    [(OWN, "own.md:3: '](#x)'"), ("```{video} x\n```\n", "own.md:1"), ("{eq}`none`\n", "none"), ("\xff", "no UTF-8")],
)
def test_what_has_no_plain_form_in_a_sheet_is_refused_with_its_line(text, words, tmp_path):
    (tmp_path / "own.md").write_bytes(text.encode("latin1"))
    with pytest.raises(Fault, match=re.escape(words)):
        sheets.cells(tmp_path / "own.md")
