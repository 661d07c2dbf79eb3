r"""How many sums must a network see before it can add?  Modular addition, and a threshold that depends on patience.

A network with a quadratic hidden layer learns (a + b) mod p from a fraction f of all p^2 sums, by AdamW with strong
weight decay (Power et al. 2022; the architecture of Gromov 2023).  It remembers them early and understands late, or not
at all within its steps: `train` returns the accuracy on the sums that it was not shown, `threshold` the fraction at
which half of the networks understand.

`extrapolate` continues thresholds to a larger p by a power law.  `stored` reads the runs of the book, which take
minutes: p, steps, fractions, and how many of the networks at each of them understood.
`python -m fieldkit.transitions.grokking` trains them again and prints the file.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fieldkit import fits, given
from fieldkit.estimates import Estimate

UNDERSTOOD = 0.9  # accuracy on new sums, from which on a network counts


def train(
    p: int,
    fractions: Sequence[float],
    *,
    rng: torch.Generator,
    steps: Sequence[int] = (900,),
    width: int = 128,
    step: float = 1e-2,
    decay: float = 1.0,
) -> Tensor:
    """Accuracy (steps, networks) on the sums that were not shown, for one network per fraction, after each number of
    steps in ascending order; all trained at once, full batch, squared error, float32."""
    given.whole("p", p, least=2, why="the modulus")
    given.generator(rng)
    if not len(fractions) or not all(1 <= int(f * p * p) < p * p for f in fractions if 0 < f < 1):
        raise ValueError(f"fractions {list(fractions)}: of the {p * p} sums at least one is shown and one is kept.")
    if not all(0 < f < 1 for f in fractions):
        raise ValueError(f"fractions {list(fractions)}: some sums are shown and some are kept; choose 0 < f < 1.")
    for count in steps:
        given.whole("steps", count, least=1, why="the accuracy is read after so many steps")
    if list(steps) != sorted(set(steps)) or not steps:
        raise ValueError(f"steps {list(steps)}: the accuracy is read after ascending numbers of steps.")
    n, sums = len(fractions), p * p
    a, b = torch.meshgrid(*[torch.arange(p, device=rng.device)] * 2, indexing="ij")
    a, b = a.reshape(-1), b.reshape(-1)
    target = torch.nn.functional.one_hot((a + b) % p, p).float()
    lots = [torch.rand(sums, generator=rng, device=rng.device).argsort() for _ in fractions]
    shown = torch.stack([lot < int(f * sums) for lot, f in zip(lots, fractions)]).float()
    first = torch.randn(n, 2 * p, width, generator=rng, device=rng.device) / math.sqrt(2 * p)
    second = torch.randn(n, width, p, generator=rng, device=rng.device) / math.sqrt(width)
    first.requires_grad_()
    second.requires_grad_()
    adam = torch.optim.AdamW([first, second], lr=step, weight_decay=decay, betas=(0.9, 0.98))
    accuracy = []
    for k in range(1, steps[-1] + 1):
        hidden = first[:, a] + first[:, p + b]
        error = ((hidden.square() @ second - target).square().sum(2) * shown).sum(1) / shown.sum(1)
        adam.zero_grad()
        error.sum().backward()
        adam.step()
        if k in steps:
            with torch.no_grad():
                hidden = first[:, a] + first[:, p + b]
                right = ((hidden.square() @ second).argmax(2) == (a + b) % p).float()
                accuracy.append((right * (1 - shown)).sum(1) / (1 - shown).sum(1))
    return torch.stack(accuracy)


def threshold(fractions: Sequence[float], solved: Sequence[int], n: int) -> Estimate:
    """The fraction at which half of the networks understand, when of n at each fraction `solved` did: a logistic curve
    by maximum likelihood, its bar where the profile of the likelihood has fallen by one half; a weak prior holds the
    logarithm of the slope near 4, for data that a step would fit."""
    from scipy.optimize import minimize

    given.whole("n", n, least=1, why="networks are counted")
    f, k = given.doubles(fractions).numpy(), given.doubles(solved).numpy()
    if not np.isfinite(f).all() or (k != k.round()).any():
        raise ValueError(f"fractions {list(fractions)}, solved {list(solved)}: finite numbers, and whole counts.")
    if f.shape != k.shape or f.ndim != 1 or len(f) < 3:
        raise ValueError(f"{f.shape} fractions, {k.shape} counts: give one count for each of at least 3 fractions.")
    if not ((k >= 0) & (k <= n)).all() or k.sum() in (0, n * len(k)):
        raise ValueError(f"solved {list(solved)} of {n}: a threshold is seen where some understand and some do not.")

    def loss(place: float, slope: float) -> float:
        x = (f - place) * math.exp(slope)
        return float((k * np.logaddexp(0, -x) + (n - k) * np.logaddexp(0, x)).sum() + 0.02 * (slope - 4) ** 2)

    def profile(place: float) -> float:
        return float(minimize(lambda s: loss(place, s[0]), [4.0], method="Nelder-Mead").fun)

    best = minimize(lambda q: loss(q[0], q[1]), [f.mean(), 4.0], method="Nelder-Mead")
    grid = np.linspace(f.min(), f.max(), 51)
    inside = grid[[profile(g) < best.fun + 0.5 for g in grid]]
    spacing = grid[1] - grid[0]
    return Estimate(float(best.x[0]), float(max(np.ptp(inside) / 2 if len(inside) else 0.0, spacing / 2)))


def extrapolate(moduli: Sequence[int], places: Sequence[Estimate], p: int) -> tuple[Estimate, Estimate]:
    """The power of p that the number of sums f p^2 follows, and the fraction f that this law foretells at p.  The
    fractions' relative errors are not taken smaller than 2 %, the spacing of what was tried."""
    for modulus in (*moduli, p):
        given.whole("p", modulus, least=2, why="the modulus")
    x = torch.tensor(moduli, dtype=torch.float64).log()
    f, bars = fits.columns(places)
    if f.shape != x.shape or not bool((f > 0).all()):
        raise ValueError(f"{len(x)} moduli, places {f.tolist()}: a fraction above 0 for each of them.")
    errors = (bars / f).square().add(0.02**2).sqrt()
    line = fits.linear_fit(torch.stack([torch.ones_like(x), x], 1), f.log() + 2 * x, errors.square())
    told = line.at([1.0, math.log(p)])
    fraction = math.exp(told.value) / p**2
    return line.estimate(1), Estimate(fraction, fraction * told.error)


def stored() -> list[dict]:
    """The runs of the book, one dictionary each: p, steps, networks (at each fraction), fractions, solved."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["run"]


def main() -> None:
    """Train the stored runs again and print the file."""
    plans: list[tuple[int, np.ndarray, int, tuple[int, ...], int]]
    plans = [(p, 2.16 / math.sqrt(p) * np.linspace(0.82, 1.16, 8), 3, (900,), 0) for p in (11, 13, 17, 19)]
    plans.append((29, np.linspace(0.3, 0.48, 7), 2, (900, 1500), 1))
    for p, fractions, networks, steps, seed in plans:
        rng = torch.Generator().manual_seed(seed)
        found = train(p, np.repeat(fractions, networks).tolist(), rng=rng, steps=steps) > UNDERSTOOD
        for n_steps, solved in zip(steps, found.reshape(len(steps), -1, networks).sum(2).tolist()):
            places = ", ".join(f"{f:.4f}" for f in fractions)
            print(f"[[run]]\np = {p}\nsteps = {n_steps}\nnetworks = {networks}\nseed = {seed}")
            print(f"fractions = [{places}]\nsolved = {solved}\n", flush=True)


if __name__ == "__main__":
    main()
