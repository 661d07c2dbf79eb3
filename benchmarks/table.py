"""The rows of every benchmark: what, ours, the peer's, ratio."""

from __future__ import annotations


def head(title: str, peer: str) -> None:
    """Print the first line of a table."""
    print(f"\n{title:<44}{'fieldkit':>12}{peer:>14}{'ratio':>10}")


def row(name: str, ours: float, peer: float, unit: str, *, ratio: float | None = None) -> None:
    """Print one comparison of two speeds in `unit`; ratio = ours / peer unless measured more carefully."""
    ratio = ours / peer if ratio is None else ratio
    print(f"{name:<44}{ours:>12.2e}{peer:>14.2e}{ratio:>10.2f}  {unit}", flush=True)


def missing(name: str, why: str) -> None:
    """Print the row of a comparison that could not be made, and why."""
    print(f"{name:<44}{'not measured':>36}  {why}", flush=True)
