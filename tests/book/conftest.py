"""A tiny book, with a chapter that is sound in every respect, for tests that break things."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import nbformat
import pytest
import yaml

from tools import cache, faults
from tools.chapters import ROOT

CHAPTER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
fieldkit:
  needs: []
---

# Is the mean of {name} zero?

*Averages: estimate the mean of {name} with an error bar, as in part one.*

```{{code-cell}} ipython3
:tags: [colab-setup, remove-cell]

# stamped by make pairs
```

```{{code-cell}} ipython3
:tags: [parameters, remove-cell]

profile = "quick"
device = "auto"
seed = 0
```

You draw numbers and find {{weighed}}`mean`, as {{numref}}`fig-{name}` shows
and {{eq}}`eq-{name}` says {{cite:p}}`knuth`.

$$
\\langle x \\rangle = 0
$$ (eq-{name})

```{{code-cell}} ipython3
:tags: [hide-cell]

import torch

from fieldkit import claims, estimates, exercises, plots

ledger = claims.Ledger(profile=profile, device=device, seed=seed)
x = torch.randn(1000, generator=ledger.rng, device=ledger.device, dtype=torch.float64)
```

```{{code-cell}} ipython3
:tags: [hide-input]

measured = estimates.mean(x)
ledger.weigh("mean", "The mean is {{measured}}; exactly {{truth}}.", measured, 0.0, source="exact: symmetry")
```

```{{code-cell}} ipython3
:tags: [hide-input]
:mystnb:
:  figure:
:    caption: "A point on a line."
:    name: fig-{name}
:  image:
:    alt: "A point with an error bar on a horizontal line."

figure, ax = plots.plt.subplots()
plots.points(ax, [0], [measured])
plots.plt.show()
```

```{{code-cell}} ipython3
:tags: [hide-input]
:mystnb:
:  code_prompt_show: "by hand"

print("nothing but", sum([]))
```

````{{admonition}} Predict before you run
:class: dropdown prediction

How far off?

```{{admonition}} Answer
:class: dropdown

By its bar: {{weighed}}`mean`.
```
````

```{{exercise}} Twice
:label: ex-{name}

What is twice the mean?
```

```{{hint}}
:class: dropdown

Twice what?
```

```{{code-cell}} ipython3
exercises.check("ex-{name}", twice=...)
```

```{{solution-start}} ex-{name}
:class: dropdown
```

Twice nothing is nothing, {{eq}}`eq-{name}`:

```{{code-cell}} ipython3
exercises.check("ex-{name}", twice=2 * 0)
```

```{{solution-end}}
```

And now the text goes on.
"""
ANSWERS = """[ex-{name}.twice]
asks = "twice the mean"
truth = 0
within = 0.1
right = "Nothing."
slips = [[1, "That is the standard deviation."]]
"""
HEADER, _, _ = CHAPTER.partition("You draw")
BIB = "@book{knuth, author = {Donald E. Knuth}, title = {Fundamental Algorithms}, publisher = {AW}, year = {1968}}\n"
INDEX = "# A book\n\n<!-- pulls -->\n\n<!-- card 1 part/one -->\nTwo means.\n<!-- end -->\n"
TOC = {
    "format": "jb-book",
    "root": "book/index",
    "parts": [
        {"caption": "1 · A part", "numbered": 1, "chapters": [{"file": "book/part/one"}, {"file": "book/part/two"}]},
        {"caption": "More", "chapters": [{"file": f"book/{n}"} for n in ("claims", "runs", "references")]},
    ],
}


def cheap(root: Path, name: str, *cells: str) -> None:
    """A chapter of these code cells, which need neither torch nor the library: its kernel starts in a second."""
    text = HEADER.format(name=name) + "".join(f"```{{code-cell}} ipython3\n{cell}\n```\n\n" for cell in cells)
    (root / "book" / "part" / f"{name}.md").write_text(text, encoding="utf-8")


def write_result(root: Path, chapter: str) -> None:
    """As if the chapter had been run, though it has no outputs."""
    nb, path = cache.notebook(root, chapter), cache.executed(chapter, cache.Run(root))
    nb.metadata[cache.RECORD] = dict.fromkeys(cache.FACTS, "-") | {"seconds": {"wall": 0, "cpu": 0}}
    path.parent.mkdir(parents=True)
    nbformat.write(nb, path)


def write(root: Path) -> None:
    (root / "book" / "part").mkdir(parents=True)
    (root / "_toc.yml").write_text(yaml.safe_dump(TOC, sort_keys=False), encoding="utf-8")
    for name in ("_config.yml", "pyproject.toml", "requirements.txt", "constraints.txt"):
        shutil.copy(ROOT / name, root)
    parts = [path.parent.name for path in (ROOT / "fieldkit").glob("*/__init__.py")]  # the base is enough
    shutil.copytree(ROOT / "fieldkit", root / "fieldkit", ignore=shutil.ignore_patterns("__pycache__", *parts))
    shutil.copytree(ROOT / "book" / "_static", root / "book" / "_static")
    for name in ("one", "two"):
        (root / "book" / "part" / f"{name}.md").write_text(CHAPTER.format(name=name), encoding="utf-8")
        answers = root / "fieldkit" / "answers" / "part" / f"{name}.toml"
        answers.parent.mkdir(exist_ok=True)
        answers.write_text(ANSWERS.format(name=name), encoding="utf-8")
    (root / "book" / "references.bib").write_text(BIB, encoding="utf-8")
    (root / "book" / "index.md").write_text(INDEX, encoding="utf-8")
    (root / "book" / "claims.md").write_text("# Claims\n\n<!-- claims -->\n", encoding="utf-8")
    (root / "book" / "runs.md").write_text("# Runs\n\n<!-- runs -->\n", encoding="utf-8")
    (root / "book" / "references.md").write_text("# References\n\n```{bibliography}\n```\n", encoding="utf-8")


@dataclass(frozen=True)
class Ended:
    """How a tool ended."""

    returncode: int
    stdout: str


Tool = Callable[..., Ended]


@contextlib.contextmanager
def heard(file: IO[bytes]) -> Iterator[None]:
    """What this process and those that it starts print goes to `file`."""
    streams, kept = (sys.stdout, sys.stderr), (os.dup(1), os.dup(2))
    for number in (1, 2):
        os.dup2(file.fileno(), number)
    try:
        with open(1, "w", encoding="utf-8", closefd=False) as sys.stdout:
            sys.stderr = sys.stdout
            yield
    finally:
        sys.stdout, sys.stderr = streams
        for number, old in zip((1, 2), kept):
            os.dup2(old, number)
            os.close(old)


@pytest.fixture(scope="session")
def tool() -> Tool:
    """tool("site", root, "--seed", "1") runs tools/site.py on the book in root, in this process: imports cost most."""

    def run(name: str, root: Path, *options: str) -> Ended:
        main = importlib.import_module(f"tools.{name}").main
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        with tempfile.TemporaryFile() as file:
            with heard(file), pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "argv", [name, "--root", str(root), *options])
                with pytest.raises(SystemExit) as ended:
                    faults.end(main)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            file.seek(0)
            return Ended(int(ended.value.code or 0), file.read().decode())

    return run


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """The tiny book, not yet built."""
    write(tmp_path / "book")
    return tmp_path / "book"


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory, tool: Tool) -> Path:
    """The tiny book, built."""
    root = tmp_path_factory.mktemp("good") / "book"
    write(root)
    for name in ("pairs", "execute", "site"):
        done = tool(name, root)
        assert done.returncode == 0, done.stdout
    return root


@pytest.fixture
def built(good: Path, tmp_path: Path) -> Path:
    """A built book of one's own, to break."""
    shutil.copytree(good, tmp_path / "book", ignore=shutil.ignore_patterns("mathjax"))
    return tmp_path / "book"
