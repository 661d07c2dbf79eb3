r"""How does a claim look?  One row of the page: the sentence, where its truth comes from, and its pull as a tick on the
unit Gaussian; on Colab the same as Markdown, which is the only text that Colab typesets."""

from __future__ import annotations

import html
import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fieldkit.claims import Record


def row(record: Record) -> str:
    """The record as one line of HTML: the sentence, and its pull as a tick on the unit Gaussian."""
    gauge = _gauge(record.pull) if record.bar else ""
    state = "holds" if record.holds else "fails"
    return (
        f'<div class="fk-claim fk-{state} tex2jax_process mathjax_process" id="claim-{html.escape(record.name)}">'
        f'<span class="fk-sentence">{typeset(record.sentence)} <small>({typeset(record.source)})</small></span>'
        f'<span class="fk-pull">{gauge}<span>{_verdict(record)}</span></span></div>'
    )


def plain(record: Record) -> str:
    """The record as one line of Markdown, for Colab, which typesets TeX nowhere else."""
    parts = re.split(r"(\$[^$]+\$)", f"{record.sentence} ({record.source})")  # every second one is TeX
    parts[::2] = [re.sub(r"([\\`*_\[\]#|~])", r"\\\1", html.escape(text, quote=False)) for text in parts[::2]]
    return f"> {''.join(parts)}  **{_verdict(record)}**"


def _verdict(record: Record) -> str:
    off = f"off by {abs(record.value - record.truth):.1g}, allowed {record.error:.1g}"
    verdict = f"pull {record.pull:+.2f}" if record.bar else off
    verdict = f"identity: {verdict}" if record.kind == "identity" else verdict
    return verdict if record.holds else f"{verdict}: fails"


def typeset(text: str) -> str:
    r"""Escape text for HTML and turn $TeX$ into \(TeX\), which MathJax finds inside raw HTML."""
    return re.sub(r"\$([^$]+)\$", r"\\(\1\\)", html.escape(text, quote=False))


def _gauge(pull: float) -> str:
    """A unit Gaussian 64 x 18 pixels from -4 to 4 sigma, with a tick at the pull."""
    curve = " ".join(f"{32 + 8 * z:.1f},{16 - 13 * math.exp(-z * z / 2):.1f}" for z in [k / 4 for k in range(-16, 17)])
    x = 32 + 8 * max(-4.0, min(4.0, pull if math.isfinite(pull) else 4.0))
    return (
        '<svg class="fk-gauge" width="64" height="18" viewBox="0 0 64 18" aria-hidden="true" focusable="false">'
        f'<polyline points="{curve}" fill="none" stroke="currentColor" stroke-opacity="0.5"/>'
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="2" y2="17" class="fk-tick" stroke="currentColor" stroke-width="2"/></svg>'
    )
