r"""Is the sentence true?  Every quantitative sentence of the book is weighed here against a truth, with an error bar.

    pull = (measured - truth) / error.

Over the whole book the pulls must follow the unit Gaussian: too wide means wrong physics or small bars, too narrow
means bars that are padded.  Each weighing shows one row on the page and hands its record to the build in the metadata
of that output, from which the page of claims and its histogram are made; nothing is typed by hand.  Experimental
physicists judge their error bars by the same histogram (Demortier and Lyons 2002, "Everything you always wanted to
know about pulls", CDF/ANAL/PUBLIC/5776).
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fieldkit import checked, devices, given, published, pulls, rows, significant, viewer
from fieldkit.estimates import Estimate
from fieldkit.records import Record

if TYPE_CHECKING:
    from IPython.display import HTML

KEY = "fieldkit-claim"  # where the record sits in an output's metadata


@dataclass
class Ledger:
    """The claims of one chapter and the random generator that all its measurements draw from.

    profile, device and seed are the chapter's parameters; `rng` is made from them and `device` becomes the device in
    use.
    """

    profile: str = "quick"
    device: str = "auto"
    seed: int = 0
    records: dict[str, Record] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.profile not in ("quick", "full"):
            raise ValueError(f'profile = "{self.profile}": a chapter has two sizes, "quick" and "full"; choose one.')
        self.rng = devices.generator(self.device, self.seed)
        self.device = self.rng.device.type
        self._start = time.perf_counter()

    def weigh(
        self,
        name: str,
        sentence: str,
        measured: Estimate,
        truth: float | Estimate,
        *,
        source: str,
        identity: bool = False,
        independent: int | None = None,
    ) -> None:
        """Weigh a measurement with a statistical error against a truth, and show the row.

        sentence: says what is claimed, with `{measured}` and `{truth}` where the numbers go; it may hold $TeX$.
        source: where the truth comes from.  name: small letters, digits and hyphens; the page links to it.  Weighing a
        name again, as one does in a notebook, replaces its record.  identity: the sentence is true whatever was
        trained or simulated well, so that it tests the arithmetic only.  independent: from how many independent things
        the bar comes; fewer than about 30, and the pull is Student's, turned into its Gaussian equivalent.

        Raises `ValueError` for a value or a truth that is not finite, an error that is zero or not finite, a name of
        another form, a sentence with another placeholder, or no source; `TypeError` when measured is no `Estimate`.
        """
        if not isinstance(measured, Estimate):
            raise TypeError(
                f'claim "{name}": measured is a {type(measured).__name__}, expected an `Estimate` with its error; '
                "a deterministic number is for `check`."
            )
        _bar(name, measured)
        true = truth if isinstance(truth, Estimate) else Estimate(truth, 0.0)
        if not (math.isfinite(true.value) and math.isfinite(true.error)):
            raise ValueError(f'claim "{name}": the truth is {true}; nothing can be weighed against that.')
        pull = pulls.of_estimate(measured, true, independent)
        shown = str(true) if true.error > 0 else significant.compared(true.value, measured.error)
        kind = "identity" if identity else "statistical"
        self._keep(name, sentence, kind, True, measured, true, pull, str(measured), shown, source)

    def weigh_curve(
        self,
        name: str,
        sentence: str,
        measured: Sequence[Estimate] | Tensor,
        truth: Sequence[float] | Sequence[Estimate] | Tensor,
        *,
        source: str,
        covariance: Tensor | None = None,
        independent: int | None = None,
        identity: bool = False,
    ) -> None:
        """Weigh all points of a figure at once, so that none of them can stray unseen, and show the row.

        measured: k estimates that are independent of each other, or values (k,) with their covariance (k, k), as
        `jackknife_covariance` returns them.  truth: k numbers, or estimates with independent errors.  independent: from
        how many independent things each bar, or the covariance, comes.  In the sentence `{measured}` is chi^2 and
        `{truth}` the number of points, which is its mean; the pull is its Gaussian equivalent (`pulls`).

        Raises as `weigh`, and `ValueError` for different numbers of points or a covariance that has no inverse;
        `TypeError` for values without a covariance.
        """
        curve = [point if isinstance(point, Estimate) else None for point in measured]
        if (None in curve) is (covariance is None):
            raise TypeError(
                f'claim "{name}": give k estimates that are independent of each other, or k values with their '
                "covariance, such as `jackknife_covariance` returns."
            )
        true = [point if isinstance(point, Estimate) else Estimate(float(point), 0.0) for point in truth]
        if len(true) != len(curve) or not curve:
            raise ValueError(f'claim "{name}": {len(curve)} points against {len(true)} truths; give one for each.')
        if covariance is None:
            found = [point for point in curve if point is not None]
            for point in found:
                _bar(name, point)
            each = [pulls.of_estimate(point, other, independent) for point, other in zip(found, true)]
            chi2, independent = math.fsum(p * p for p in each), None
        else:
            off = given.numbers(measured).double().cpu() - torch.tensor([p.value for p in true], dtype=torch.float64)
            own = torch.tensor([p.error**2 for p in true], dtype=torch.float64).diag()
            both = given.numbers(covariance).double().cpu()
            try:
                chi2 = pulls.chi_squared(off, both + own if both.shape == own.shape else both)
            except ValueError as error:
                raise ValueError(f'claim "{name}": {error}') from None
        k = len(curve)
        pull = pulls.of_chi_squared(chi2, k, independent=independent)
        total = Estimate(chi2, math.sqrt(2 * k))
        kind = "identity" if identity else "statistical"
        self._keep(name, sentence, kind, True, total, Estimate(k, 0.0), pull, f"{chi2:.1f}", str(k), source)

    def check(
        self,
        name: str,
        sentence: str,
        value: float,
        truth: float,
        *,
        tolerance: float,
        source: str,
        identity: bool = False,
    ) -> None:
        """Weigh a deterministic result, whose tolerance the method states (arithmetic, quadrature, the next order of
        an expansion).  identity: as in `weigh`.

        Raises `ValueError` for a tolerance that is not positive and finite, a value or a truth that is not finite, and
        as `weigh`.
        """
        if not 0 < tolerance < math.inf:
            raise ValueError(
                f'claim "{name}": tolerance = {tolerance}; state what the method can promise, a positive number.'
            )
        value, truth, tolerance = float(value), float(truth), float(tolerance)
        if not (math.isfinite(truth) and math.isfinite(value)):
            raise ValueError(f'claim "{name}": {value} against {truth}; only finite numbers can be compared.')
        measured, true = Estimate(value, tolerance), Estimate(truth, 0.0)
        shown, exact = (significant.compared(number, tolerance) for number in (value, truth))
        kind = "identity" if identity else "numerical"
        self._keep(name, sentence, kind, False, measured, true, (value - truth) / tolerance, shown, exact, source)

    def published(
        self,
        name: str,
        sentence: str,
        printed: str,
        ours: Estimate | float | None,
        *,
        source: str,
        about: str,
        expected: str = published.AGREES,
        third: Estimate | float | None = None,
        within: float = 0.0,
    ) -> None:
        """Weigh a number that somebody printed, as it is printed, against ours, and show the row.

        sentence: what the number is; both values are put behind it.  printed: as in `published.read`, "0.359025(979)".
        ours: an estimate, or a computed number, right to `within` beyond rounding; None where the print does not
        determine it.  source: who printed it, where it was seen.  about: the chapter to which it belongs, as
        `lattice/phi4`.  expected: the verdict that the page states, one of `published.VERDICTS`; a row with another one
        fails.  third: ours found another way, which must side with it where the print disagrees.

        Raises `ValueError` for another verdict, a print that is no number, ours not finite, and as `weigh`.
        """
        if expected not in published.VERDICTS:
            raise ValueError(f'claim "{name}": expected = "{expected}"; a verdict is {", ".join(published.VERDICTS)}.')
        number = published.read(printed)
        found, other = _maybe(ours), _maybe(third)
        judged = published.judge(number, found, within) if found else published.Judgement(0.0, False, False)
        verdict = published.verdict(number, found, other, within)
        true = Estimate(number.value, number.error or number.unit)
        shown = "not determined" if found is None else str(found) if found.error else f"{found.value:.15g}"
        if found and not found.error and not number.error:
            shown = published.shown(number, found.value)
        self._keep(
            name, sentence, "published", judged.bar, found or true, true, judged.pull, shown, number.text, source,
            verdict=verdict, expected=expected, about=about,
        )  # fmt: skip

    def table(self) -> HTML:
        """What was weighed so far, as a table: quantity, measured, truth, pull."""
        return checked.table(self.records.values())

    def _keep(
        self,
        name: str,
        sentence: str,
        kind: str,
        bar: bool,
        measured: Estimate,
        true: Estimate,
        pull: float,
        shown: str,
        shown_truth: str,
        source: str,
        **more: str,
    ) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", str(name)):
            raise ValueError(f'claim "{name}": a name is small letters and digits with single hyphens, as in mass-gap.')
        blank = re.search(r"\{(?!measured\}|truth\})\w*\}", re.sub(r"\$[^$]*\$", "", sentence))
        if blank:
            raise ValueError(f'claim "{name}": {blank[0]} stands for nothing; use {{measured}} and {{truth}}.')
        if not source.strip():
            raise ValueError(f'claim "{name}": no source; say where the truth comes from.')
        said = sentence.replace("{measured}", shown).replace("{truth}", shown_truth)
        self.records[name] = record = Record(
            name=name, sentence=said, kind=kind, bar=bar, shown=shown, shown_truth=shown_truth,
            value=measured.value, error=measured.error, truth=true.value, truth_error=true.error,
            pull=pull, source=source, profile=self.profile, device=self.device, seed=self.seed,
            seconds=round(time.perf_counter() - self._start, 3), **more,
        )  # fmt: skip
        try:
            from IPython.display import HTML, Markdown, display
        except ImportError:  # a plain script keeps the record and shows nothing
            return
        shown_row = Markdown(rows.plain(record)) if viewer.is_colab() else HTML(rows.row(record))
        display(shown_row, metadata={KEY: asdict(record)})


def _maybe(number: Estimate | float | None) -> Estimate | None:
    return number if number is None or isinstance(number, Estimate) else Estimate(float(number), 0.0)


def _bar(name: str, measured: Estimate) -> None:
    """Refuse an estimate that says nothing."""
    if not (math.isfinite(measured.value) and math.isfinite(measured.error) and measured.error > 0):
        raise ValueError(
            f'claim "{name}": {measured.value} with error = {measured.error}; a measurement without an error bar '
            "cannot be weighed."
        )
