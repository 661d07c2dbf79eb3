"""What was checked?  The claims of a chapter as one table, made from their records, so that none is forgotten."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fieldkit import significant, viewer

if TYPE_CHECKING:
    from IPython.display import HTML

    from fieldkit.records import Record

HEADS = ("quantity", "measured", "truth", "pull")
PRINTED = ("quantity", "ours", "printed", "verdict")  # where all of it is what others printed


def table(records: Iterable[Record]) -> HTML:
    """One row for each claim, in the order in which they were weighed; on a page its name leads to its sentence.

    The pull of a claim without a bar is what it was allowed to be off; a printed number has its verdict in that place.
    Raises `ValueError` for no claims.
    """
    from IPython.display import HTML

    kept = list(records)
    if not kept:
        raise ValueError("nothing was weighed yet: the table is the last cell; run the cells above it first.")
    rows = [_row(record) for record in kept]
    heads, kind = HEADS, "fk-checked"
    if all(record.kind == "published" for record in kept):
        heads, kind = PRINTED, "fk-checked fk-printed"
    head = "".join(f'<th style="text-align:left">{name}</th>' for name in heads)
    return HTML(f'<table class="table {kind}"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>')


def _row(record: Record) -> str:
    quantity = record.name.replace("-", " ")
    if viewer.is_page():
        quantity = f'<a href="#claim-{html.escape(record.name)}">{quantity}</a>'
    if record.kind == "identity":
        quantity += " (identity)"
    allowed = f"{record.pull:+.2f}" if record.bar else significant.powers(f"within {record.error:.1g}")
    off = html.escape(record.verdict) if record.kind == "published" else allowed
    cells = [
        quantity,
        html.escape(significant.powers(record.shown)),
        html.escape(significant.powers(record.shown_truth)),
        off if record.holds else f"{off}: fails",
    ]
    return "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells) + "</tr>"
