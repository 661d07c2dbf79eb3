"""What holds for the text of all code: nothing depends on the machine that reads it."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Iterator

import pytest

from tools import chapters
from tools.chapters import ROOT

FOLDERS = ("benchmarks", "coursework", "fieldkit", "tests", "tools")
FILES = [p for folder in FOLDERS for p in sorted((ROOT / folder).rglob("*.py"))]
TEXT = ("read_text", "write_text")
OPEN = ("open", "fdopen")
BINARY = ("Image.open", "archive.open", "os.open")
RUN = ("run", "Popen", "check_output", "check_call")


def without_encoding(tree: ast.Module) -> Iterator[ast.Call]:
    """Calls that read or write text in whatever encoding the machine prefers."""
    for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
        method = isinstance(call.func, ast.Attribute)
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        given = {k.arg: k.value for k in call.keywords}
        mode = given.get("mode", next(iter(call.args[0 if method and name == "open" else 1 :]), None))
        binary = isinstance(mode, ast.Constant) and "b" in str(mode.value) or ast.unparse(call.func) in BINARY
        as_text = name in RUN and given.keys() & {"text", "universal_newlines"}
        if (name in TEXT or name in OPEN and not binary or as_text) and "encoding" not in given:
            yield call


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("path.read_text()", 1),
        ("path.write_text(x, encoding='utf-8')", 0),
        ("open(path)", 1),
        ("open(path, 'rb')", 0),
        ("path.open('a')", 1),
        ("path.open(mode='wb')", 0),
        ("subprocess.run(command, text=True)", 1),
        ("subprocess.run(command, encoding='utf-8')", 0),
    ],
)
def test_the_watcher_sees_text_without_an_encoding(line, found):
    assert len(list(without_encoding(ast.parse(line)))) == found


def test_all_text_is_utf_8_whatever_the_machine_prefers():
    trees = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
    assert [f"{path}:{call.lineno}" for path in trees for call in without_encoding(trees[path])] == []


@pytest.mark.parametrize("chapter", chapters.chapters(ROOT))
def test_what_a_chapter_imports_is_there(chapter):
    """A name that has moved is found now, and not after minutes of a build."""
    cells = [c.source for c in chapters.read(chapters.source(ROOT, chapter)).cells if c.cell_type == "code"]
    for node in ast.walk(
        ast.parse("\n".join(line for cell in cells for line in cell.splitlines() if line[:1] not in "%!"))
    ):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fieldkit"):
            module = importlib.import_module(node.module)
            for name in [alias.name for alias in node.names if not hasattr(module, alias.name)]:
                assert importlib.util.find_spec(f"{node.module}.{name}"), f"{node.module} has no {name}"
