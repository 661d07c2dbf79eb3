r"""How does a claim look?  One row of the page: the sentence, where its truth comes from, and its pull as a tick on the
unit Gaussian; on Colab the same as Markdown, which is the only text that Colab typesets."""

from __future__ import annotations

import html
import math
import re
from typing import TYPE_CHECKING

from fieldkit import published, significant

if TYPE_CHECKING:
    from fieldkit.records import Record


def row(record: Record) -> str:
    """The record as one line of HTML: the sentence, and its pull as a tick on the unit Gaussian."""
    gauge = _gauge(record.pull) if record.bar else ""
    state = "holds" if record.holds else "fails"
    return (
        f'<div class="fk-claim fk-{state} tex2jax_process mathjax_process" id="claim-{html.escape(record.name)}">'
        f'<span class="fk-sentence">{typeset(_said(record))} <small>({typeset(record.source)})</small></span>'
        f'<span class="fk-pull">{gauge}<span>{_verdict(record)}</span></span></div>'
    )


def plain(record: Record) -> str:
    """The record as one line of Markdown, for Colab, which typesets TeX nowhere else."""
    parts = re.split(r"(\$[^$]+\$)", f"{_said(record)} ({record.source})")  # every second one is TeX
    parts[::2] = [
        re.sub(r"([\\`*_\[\]#|~])", r"\\\1", html.escape(significant.powers(text), quote=False)) for text in parts[::2]
    ]
    return f"> {''.join(parts)}  **{_verdict(record)}**"


def _said(record: Record) -> str:
    """The sentence; for a printed number with both values behind it."""
    if record.kind != "published":
        return record.sentence
    return f"{record.sentence[:1].upper()}{record.sentence[1:]}: printed {record.shown_truth}, ours {record.shown}"


def _verdict(record: Record) -> str:
    if record.kind == "published":
        return _of_print(record)
    off = f"off by {abs(record.value - record.truth):.1g}, allowed {record.error:.1g}"
    verdict = f"pull {record.pull:+.2f}" if record.bar else significant.powers(off)
    verdict = f"identity: {verdict}" if record.kind == "identity" else verdict
    return verdict if record.holds else f"{verdict}: fails"


def _of_print(record: Record) -> str:
    """The verdict on a printed number, and how far it is from ours."""
    if record.verdict == published.CANNOT:
        said = record.verdict
    elif record.bar:
        said = f"{record.verdict}: pull {record.pull:+.2f}"
    else:
        same = published.digits(published.read(record.shown_truth), record.value)
        said = f"{record.verdict}: {same} digit{'s' * (same != 1)} alike"
    return said if record.holds else f"{said}; expected: {record.expected}"


def typeset(text: str) -> str:
    r"""Escape text for HTML and turn $TeX$ into \(TeX\), which MathJax finds inside raw HTML."""
    parts = re.split(r"\$([^$]+)\$", html.escape(text, quote=False))  # every second one is TeX
    parts[::2] = [significant.powers(part) for part in parts[::2]]
    parts[1::2] = [rf"\({tex}\)" for tex in parts[1::2]]
    return "".join(parts)


def _gauge(pull: float) -> str:
    """A unit Gaussian 64 x 18 pixels from -4 to 4 sigma, with a tick at the pull."""
    curve = " ".join(f"{32 + 8 * z:.1f},{16 - 13 * math.exp(-z * z / 2):.1f}" for z in [k / 4 for k in range(-16, 17)])
    x = 32 + 8 * max(-4.0, min(4.0, pull if math.isfinite(pull) else 4.0))
    return (
        '<svg class="fk-gauge" width="64" height="18" viewBox="0 0 64 18" aria-hidden="true" focusable="false">'
        f'<polyline points="{curve}" fill="none" stroke="currentColor" stroke-opacity="0.5"/>'
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="2" y2="17" class="fk-tick" stroke="currentColor" stroke-width="2"/></svg>'
    )
