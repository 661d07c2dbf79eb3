"""Is this answer right, and if not, which mistake is it?  Answers against a truth and against the slips that we know.

    off = |answer - truth| / reach,      reach = the question's tolerance, or four bars of an answer that was measured.

Right: the truth is within reach and no known slip is nearer.  Wrong: the known slip within reach is named; else it may
be one that everybody makes (a sign, a factor of two, the wrong logarithm).  Nothing here prints, nothing raises for
what a student may hand in, and no remark of this module tells the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fieldkit.estimates import Estimate
from fieldkit.significant import powers

FORMULAS = {name: getattr(math, name) for name in dir(math) if not name.startswith("_")} | {"abs": abs}
Slips = Sequence[tuple[list[float], str]]
UNKNOWN = "Not a mistake that we know; compare your steps with the hint."
SAME = {"yes": "true", "no": "false"}
EVERYBODY: list[tuple[Callable[[float], float], str]] = [
    (lambda t: -t, "The size is right, the sign is not."),
    (lambda t: 2 * t, "Twice too large: something was counted double, or a half forgotten."),
    (lambda t: t / 2, "Half of it: something was counted once instead of twice, or a half is one too many."),
    (lambda t: 1 / t, "That is one over it."),
    (lambda t: t * t, "That is its square."),
    (lambda t: math.sqrt(t), "That is its square root."),
    (lambda t: t / math.log(10), "Off by ln 10: take the natural logarithm."),
    (lambda t: t * math.log(10), "Off by ln 10: take the natural logarithm."),
    (lambda t: t * math.tau, "Off by 2π."),
    (lambda t: t / math.tau, "Off by 2π."),
    (lambda t: 100 * t, "That is in per cent; give the plain number."),
]


@dataclass(frozen=True)
class Verdict:
    """state is "right", "wrong" or "open"; remark says why, in a sentence or two."""

    state: str
    remark: str


class Unreadable(ValueError):
    """An answer of another kind than what is asked for; the text says what is asked for."""


def verdict(answer: Any, question: Mapping[str, Any]) -> Verdict:
    """Judge one answer: a number, an `Estimate`, a tensor or list of them, a function, a word; `...` is still open.

    question: one table of an answer file, see `exercises`.
    """
    if answer is ...:
        return Verdict("open", "yours to find.")
    try:
        if "word" in question:
            return _worded(answer, question)
        if "of" in question:
            values = _probed(answer, question["of"], question["at"])
            places = [f" at {_where(question['of'], point)}" for point in question["at"]]
            return _weighed(values, [0.0] * len(values), question, places)
        return _weighed(*_numbers(answer), question)
    except Unreadable as why:
        return Verdict("wrong", str(why))


def targets(value: Any, question: Mapping[str, Any]) -> list[float]:
    """The numbers that a truth or a slip stands for: a number, a formula in quotes, or a list of them; of a function
    that is asked for, the value at every point."""
    if isinstance(value, list):
        return [_computed(v, {}) for v in value]
    points = [dict(zip(question["of"], point, strict=True)) for point in question["at"]] if "of" in question else [{}]
    return [_computed(value, point) for point in points]


def reach(target: float, question: Mapping[str, Any]) -> float:
    """How far from the target a plain number may be: `within`, or `relative` times the target, whichever is given."""
    return max(question.get("within", 0.0), question.get("relative", 0.0) * abs(target))


def _computed(value: float | str, names: Mapping[str, float]) -> float:
    """A number, or a formula of an answer file with the functions of `math`."""
    return float(eval(value, {"__builtins__": {}}, FORMULAS | dict(names)) if isinstance(value, str) else value)


def _worded(answer: Any, question: Mapping[str, Any]) -> Verdict:
    """A choice: a word, yes or no (True or False), or the exception that was caught, which counts by its name."""
    if not isinstance(answer, (str, bool, BaseException)):
        raise Unreadable(f"A word is asked for; this is a {type(answer).__name__}.")
    given = type(answer).__name__ if isinstance(answer, BaseException) else str(answer).strip()
    shown = f"{'yes' if answer is True else 'no' if answer is False else given}. "
    if (said := _plain(given)) == _plain(question["word"]):
        return Verdict("right", shown + question["right"])
    known = {_plain(slip): remark for slip, remark in question.get("slips", [])}
    return Verdict("wrong", shown + known.get(said, unknown_word(question)))


def unknown_word(question: Mapping[str, Any]) -> str:
    """What to say of a word that is neither right nor a known slip: perhaps it is right and only another word."""
    return f"Not one of the words that are looked for; asked is: {question['asks']}." if "asks" in question else UNKNOWN


def _plain(word: object) -> str:
    said = str(word).strip().lower()
    return SAME.get(said, said)


def _numbers(answer: Any) -> tuple[list[float], list[float]]:
    """Values, and their bars (0 where there is none)."""
    if isinstance(answer, Estimate):
        return [answer.value], [answer.error]
    if isinstance(answer, (list, tuple)):
        parts = [_numbers(part) for part in answer]
        return [v for values, _ in parts for v in values], [b for _, bars in parts for b in bars]
    if answer is None:
        raise Unreadable("There is nothing in it (None): does your function return its result?")
    try:
        x = answer if isinstance(answer, Tensor) else torch.as_tensor(np.asarray(answer))  # plain numbers in float64
    except (TypeError, ValueError, RuntimeError):
        kind = "function: call it" if callable(answer) else type(answer).__name__
        raise Unreadable(f"A number is asked for; this is a {kind}.") from None
    if x.is_complex():
        if bool((x.imag.abs() > 1e-12 * x.abs()).any()):
            raise Unreadable("A real number is asked for; this has an imaginary part.")
        x = x.real
    values = x.detach().double().reshape(-1).tolist()
    return values, [0.0] * len(values)


def _probed(f: Any, names: Sequence[str], points: Sequence[Sequence[float]]) -> list[float]:
    """f at every point, with plain numbers or, where it wants them, with tensors."""
    if not callable(f) or isinstance(f, Tensor):
        raise Unreadable(f"A function of ({', '.join(names)}) is asked for: give its name, without calling it.")
    values = []
    for point in points:
        where = _where(names, point)
        try:
            try:
                result = f(*point)
            except TypeError:  # as torch.exp says of a plain number
                result = f(*(torch.tensor(float(x), dtype=torch.float64) for x in point))
        except Exception as error:  # whatever a student's function may do
            raise Unreadable(f"At {where} your function raises {type(error).__name__}: {error}") from None
        found, _ = _numbers(result)
        if len(found) != 1:
            raise Unreadable(f"At {where} your function returns {len(found)} numbers; one is asked for.")
        values += found
    return values


def _where(names: Sequence[str], point: Sequence[float]) -> str:
    return ", ".join(f"{name} = {x:g}" for name, x in zip(names, point, strict=True))


def _weighed(
    values: list[float], bars: list[float], question: Mapping[str, Any], places: Sequence[str] = ()
) -> Verdict:
    if not all(map(math.isfinite, [*values, *bars])):
        raise Unreadable("This is not finite: find where it diverges.")
    slips = [(targets(slip, question), remark) for slip, remark in question.get("slips", [])]
    truth = targets(question["truth"], question) if "truth" in question else None
    count = 1 if truth is None else len(truth)
    if len(values) != count:
        raise Unreadable(f"{len(values)} numbers, where {count} {'is' if count == 1 else 'are'} asked for.")

    shown = _shown(values, bars, places)

    def off(target: list[float], *, widely: bool = True) -> float:
        """The largest distance in units of the reach: of the bars, or widely, of the larger of bars and tolerance."""
        worst = 0.0
        for v, t, b in zip(values, target, bars):
            plain, measured = reach(t, question), 4 * math.hypot(b, question.get("error", 0.0)) if b else 0.0
            allowed = max(plain, measured) if widely or not measured else measured
            worst = max(worst, abs(v - t) / allowed if allowed else (0.0 if v == t else math.inf))
        return worst

    nearest, named = _nearest(slips, off)
    if truth is None:
        right, reason = _bounded(values[0], question)
    else:
        if any(b > question.get("bar", reach(t, question)) for b, t in zip(bars, truth)):
            return Verdict("wrong", f"{shown}The bar is too wide to tell; measure longer.")
        right = off(truth, widely=False) <= 1 and off(truth) < nearest
        short = "Near, yet many of your bars away: the bar is too small, or a bias is left."
        reason = short if off(truth) <= 1 else remark(truth, [], off) or UNKNOWN
    if right:
        return Verdict("right", f"{shown}{question['right']}")
    return Verdict("wrong", f"{shown}{named if nearest <= 1 else reason}")


def _bounded(value: float, question: Mapping[str, Any]) -> tuple[bool, str]:
    if value < question.get("least", -math.inf):
        return False, f"Too small. {UNKNOWN}"
    if value > question.get("most", math.inf):
        return False, f"Too large. {UNKNOWN}"
    return True, ""


def common_slips(truth: list[float]) -> list[tuple[list[float], str]]:
    """What everybody may make of a truth, with the remark on it, where it differs from the truth by a fifth or more."""
    found = []
    for slip, remark in EVERYBODY:
        try:
            target = [slip(t) for t in truth]
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
        if any(abs(s - t) > 0.2 * abs(t) for s, t in zip(target, truth)):
            found.append((target, remark))
    return found


def remark(truth: list[float], slips: Slips, off: Callable[[list[float]], float]) -> str:
    """What explains an answer that is wrong: the nearest of its own slips, pairs of (numbers, remark), else the nearest
    of those that everybody makes; off(numbers) is how far the answer lies from them, and nothing is said beyond 1."""
    for known in (slips, common_slips(truth)):
        nearest, said = _nearest(known, off)
        if nearest <= 1:
            return said
    return ""


def _nearest(slips: Slips, off: Callable[[list[float]], float]) -> tuple[float, str]:
    return min(((off(target), said) for target, said in slips), default=(math.inf, ""))


def _shown(values: list[float], bars: list[float], places: Sequence[str]) -> str:
    """What was understood, repeated: the student sees that it is hers."""
    if len(values) > 4:
        return ""
    plain = [str(Estimate(v, b)) if b else powers(f"{v:.5g}") for v, b in zip(values, bars)]
    return ("; ".join(map("".join, zip(plain, places))) if places else ", ".join(plain)) + ". "
