"""What is kept of a weighed sentence: the record that a chapter hands to the build."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """One weighed sentence.

    kind: "statistical", weighed with an error bar; "numerical", with a tolerance that the method states; "identity",
    true whatever was simulated or trained well, with either; "published", a number in print against ours, whose truth
    is the print, whose verdict is one of `published.VERDICTS`, and which holds where that is the one `expected`; about
    is the chapter that says where ours comes from.  bar: whether error is a bar of one sigma, so that pull
    is a draw from the unit Gaussian, or a tolerance, in which pull then is counted.  shown and shown_truth: value and
    truth as the sentence has them.
    """

    name: str
    sentence: str
    kind: str
    bar: bool
    shown: str
    shown_truth: str
    value: float
    error: float
    truth: float
    truth_error: float
    pull: float
    source: str
    profile: str
    device: str
    seed: int
    seconds: float
    verdict: str = ""
    expected: str = ""
    about: str = ""

    @property
    def holds(self) -> bool:
        """A claim with a bar holds within four sigma, one with a tolerance within it; NaN never holds.  A published
        number holds when its verdict is the one that the page states."""
        if self.kind == "published":
            return self.verdict == self.expected
        return abs(self.pull) <= (4 if self.bar else 1)
