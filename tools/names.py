"""The names of the library: which there are, in which order one reads them, and which chapters use each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

LIBRARY = "fieldkit"


@dataclass(frozen=True)
class Library:
    """modules: module -> the public functions, classes and methods (`Class.method`) that it documents, in the order of
    the source; others: names of modules and of what stands in them without a docstring, such as constants."""

    modules: dict[str, list[str]]
    others: set[str] = field(default_factory=set)

    @property
    def documented(self) -> set[str]:
        return {f"{module}.{name}" for module, names in self.modules.items() for name in names}

    def entry(self, name: str) -> str | None:
        """The anchor of a dotted name on its page: its own, or that of its module; None for what is no library's."""
        if name in self.documented:
            return name
        module = name if name in self.modules else name.rpartition(".")[0]
        return f"module-{module}" if name in self.modules or name in self.others else None

    def page(self, name: str) -> str:
        """The page that documents a module or a name of it: its part, or `base`."""
        parts = name.removeprefix("module-").split(".")
        inside = len(parts) > 1 and f"{LIBRARY}.{parts[1]}.__init__" in self.others
        return parts[1] if inside else "base"


def library(root: Path) -> Library:
    modules: dict[str, list[str]] = {}
    others: set[str] = set()
    for path in sorted((root / LIBRARY).rglob("*.py")):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        if module.endswith(".__init__"):
            others.add(module)
            module = module.removesuffix(".__init__")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules[module] = [name for node in tree.body for name in documented(node)]
        targets = [t for n in tree.body if isinstance(n, ast.Assign) for t in n.targets] + [
            n.target for n in tree.body if isinstance(n, ast.AnnAssign)
        ]
        others |= {f"{module}.{t.id}" for t in targets if isinstance(t, ast.Name) and not t.id.startswith("_")}
    return Library(modules, others)


def documented(node: ast.stmt) -> list[str]:
    if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
        return []
    inner = node.body if isinstance(node, ast.ClassDef) else []
    methods = [m.name for m in inner if isinstance(m, ast.FunctionDef) and not m.name.startswith("_")]
    own = [node.name] if ast.get_docstring(node) else []
    return own + [f"{node.name}.{m.name}" for m in inner if m.__class__ is ast.FunctionDef and m.name in methods
                  and ast.get_docstring(m)]  # fmt: skip


def reading_order(root: Path, package: str, modules: list[str]) -> list[str]:
    """The modules of a package in the order in which its docstring names them in backticks; what it forgets follows."""
    listed = [f"{package}.{name}" for name in re.findall(r"`(\w+)`", guide(root, package))]
    return list(dict.fromkeys([m for m in listed if m in modules] + modules))


def guide(root: Path, package: str) -> str:
    """The docstring of a package, its reading guide."""
    path = root / package.replace(".", "/") / "__init__.py"
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def title(root: Path, package: str) -> str:
    """The first sentence of a package's guide, or its name."""
    return guide(root, package).split(". ")[0].split("\n")[0].rstrip(".") or package


def aliases(nb: NotebookNode) -> dict[str, str]:
    """What the imports of a chapter bind: `free` -> `fieldkit.lattice.free`."""
    found = {}
    for tree in trees(nb):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == LIBRARY:
                found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found


def trees(nb: NotebookNode) -> Iterator[ast.Module]:
    for cell in nb.cells:
        if cell.cell_type == "code" and "%pip" not in cell.source:
            yield ast.parse(cell.source)


def used(nb: NotebookNode, known: Library, bound: dict[str, str]) -> list[str]:
    """The documented names that a chapter's code reaches through what is bound, each once, in the order of the page."""
    every, found = known.documented, dict[str, None]()

    def full(node: ast.AST) -> str | None:
        if isinstance(node, ast.Name):
            return bound.get(node.id)
        head = full(node.value) if isinstance(node, ast.Attribute) else None
        return f"{head}.{node.attr}" if head and isinstance(node, ast.Attribute) else None

    for tree in trees(nb):
        for node in ast.walk(tree):
            if (name := full(node)) in every and name is not None:
                found[name] = None
    return list(found)
