"""What the search of the site looks through: the text of every page, section by section, as one reads it.

Sphinx's own search stems English words (Ising becomes "is") and shows the source of formulas; `book/search.js` ranks
these pages instead.
"""

from __future__ import annotations

import json
import re
from typing import Any

from docutils import nodes
from sphinx import addnodes

NAMES = """alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega
Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"""
LETTERS = dict(zip(re.findall(r"\w+", NAMES), "αβγδεζηθκλμνξπρστφχψωΓΔΘΛΞΠΣΦΨΩ", strict=True))
SIGNS = {
    "langle": "⟨", "rangle": "⟩", "infty": "∞", "sum": "∑", "int": "∫", "partial": "∂", "nabla": "∇",
    "cdot": "·", "times": "×", "pm": "±", "le": "≤", "ge": "≥", "ne": "≠", "approx": "≈", "sim": "∼", "to": "→",
    "ll": "≪", "gg": "≫", "in": "∈", "ell": "ℓ", "dots": "…", "ldots": "…", "cdots": "…", "propto": "∝", "sqrt": "√",
    "mapsto": "↦", "quad": " ",
}  # fmt: skip
FUNCTIONS = (
    "ln",
    "log",
    "exp",
    "tanh",
    "erf",
    "cosh",
    "sinh",
    "sin",
    "cos",
    "max",
    "min",
    "arcsin",
    "arccos",
    "artanh",
    "erfc",
)
KNOWN = LETTERS | {"varphi": "φ", "varepsilon": "ε"} | SIGNS | dict(zip(FUNCTIONS, FUNCTIONS, strict=True))
LOWERED = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")
RAISED = str.maketrans("0123456789+-n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ")
CODE = {"cell_input", "cell_output"}


def readable(tex: str) -> str:
    """A formula as a line of text: sigma_w^2 as σ_w²; what has no plain form loses its marks."""
    tex = re.sub(r"\\[td]?frac\s*(\d)\s*(\d)", r"\1/\2", tex)
    tex = re.sub(r"\\[td]?frac\s*(?:\{([^{}]*)\}|(\d))\s*\{([^{}]*)\}", r"\1\2/(\3)", tex)
    tex = re.sub(r"\\(?:text|mathrm|mathbf|mathcal|operatorname|hat|bar|tilde|vec|label)\b\*?", "", tex)
    tex = re.sub(r"\\([A-Za-z]+)", lambda m: KNOWN.get(m[1], ""), tex)
    tex = re.sub(r"\\.", " ", tex)
    tex = re.sub(r"\^(?:\{([0-9+\-n]+)\}|([0-9n]))", lambda m: (m[1] or m[2]).translate(RAISED), tex)
    tex = re.sub(r"_(?:\{([0-9+\-,]+)\}|([0-9]))", lambda m: (m[1] or m[2]).translate(LOWERED), tex)
    return " ".join(re.sub(r"[{}&~]", "", tex).split())


def text(node: nodes.Node) -> str:
    """The text of a node without code, outputs, and the sections and entries below it."""
    if isinstance(node, nodes.Text):
        return node.astext()
    if isinstance(node, nodes.math | nodes.math_block):
        return readable(node.astext())
    if isinstance(node, nodes.raw | nodes.literal_block | nodes.comment | nodes.section | nodes.title | addnodes.desc):
        return ""
    if isinstance(node, nodes.Element) and CODE & set(node.get("classes", [])):
        return " ".join(text(caption) for caption in node.findall(nodes.caption))
    joint = "" if isinstance(node, nodes.TextElement) else " "
    return joint.join(text(child) for child in node.children)


def sections(tree: nodes.document) -> list[list[str]]:
    """[anchor, heading, text] of each section, and of each entry of the library."""
    found = []
    for node in tree.findall(lambda n: isinstance(n, nodes.section | addnodes.desc)):
        if isinstance(node, addnodes.desc):
            signature = node[0]
            body = " ".join(text(child) for child in node[1].children) if len(node) > 1 else ""
            anchor, heading = signature.get("ids", [""])[0], signature.get("fullname", "")
        else:
            title = next(iter(node.findall(nodes.title)), None)
            anchor, heading = node["ids"][0], title.astext() if title is not None else ""
            body = " ".join(text(child) for child in node.children)
        found.append([anchor, heading, " ".join(body.split())])
    return found


def first_words(tree: nodes.document, most: int = 200) -> str:
    """The beginning of a page, for its description."""
    paragraph = next((p for p in tree.findall(nodes.paragraph) if len(text(p)) > 40), None)
    words = " ".join(text(paragraph).split()) if paragraph is not None else ""
    return words if len(words) <= most else words[:most].rsplit(" ", 1)[0] + " …"


def script(pages: list[dict[str, Any]]) -> str:
    """A script, and no data file, so that the search works on pages opened from a disk."""
    return f"window.FK_PAGES = {json.dumps(pages, ensure_ascii=False, separators=(',', ':'))};\n"
