"""How fast is part six?  Processor seconds beside a named peer, or beside the budget that the part was given.

`python -m benchmarks.transitions` from the root.  One thread; both programs take turns in one run, and the ratio is
the median over the turns.  A row whose peer is not installed says so.
"""

from __future__ import annotations

import importlib.util
import math
import statistics
import time
from collections.abc import Callable

import torch

from benchmarks import table
from fieldkit.transitions import changes, laws, networks, partitions, speciation

TURNS = 5


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def race(name: str, ours: Callable[[], object], peer: Callable[[], object]) -> None:
    """One row: seconds of both, and how many times faster ours is."""
    pairs = [(seconds(ours), seconds(peer)) for _ in range(TURNS + 1)][1:]  # the first turn warms up
    a, b = (statistics.median(column) for column in zip(*pairs))
    table.row(name, a, b, "CPU s", ratio=statistics.median(y / x for x, y in pairs))


def budget(name: str, ours: Callable[[], object], allowed: float) -> None:
    """One row: seconds of ours beside what is allowed, and how many times below it is."""
    a = statistics.median([seconds(ours) for _ in range(TURNS + 1)][1:])
    table.row(name, a, allowed, "CPU s", ratio=allowed / a)


def jumps(rng: torch.Generator) -> None:
    x = torch.linspace(-1, 1, 40, dtype=torch.float64)
    null, shapes = changes.polynomials(x, 3), changes.steps(40)
    law = changes.null_law(null, shapes, n_draws=1999, rng=rng)
    series = torch.randn(2000, 40, generator=rng, dtype=torch.float64) + x

    def test() -> torch.Tensor:
        return changes.p_values(changes.scan(series, null, shapes)[0], law)

    budget("jump test, 2000 series of 40 points", test, 0.1)


def cuts(rng: torch.Generator) -> None:
    n = 1000
    y = torch.randn(n, generator=rng, dtype=torch.float64) + 1.5 * (torch.arange(n) // 300 % 2)
    penalty = 3 * math.log(n)
    name = "optimal partition of 1000 points"
    if importlib.util.find_spec("ruptures") is None:
        table.missing(name, "ruptures is not installed")
        return
    import ruptures

    def peer() -> list[int]:
        return ruptures.Pelt(model="l2", jump=1, min_size=2).fit(y.numpy()).predict(pen=penalty)

    race(name, lambda: partitions.partition(y, penalty=penalty, least=2), peer)
    found = partitions.partition(y, penalty=penalty, least=2)
    theirs = [0, *peer()]
    cost = sum(float((y[a:b] - y[a:b].mean()).square().sum()) for a, b in zip(theirs, theirs[1:]))
    cost += penalty * (len(theirs) - 2)
    print(f"{'  its price, less is better':<44}{found.cost + penalty * len(found.cuts):>12.3f}{cost:>14.3f}")


def at_once(rng: torch.Generator) -> None:
    x = torch.randn(2000, 64, generator=rng)
    y = (x[:, 0] > 0).float()

    def together() -> None:
        networks.train(x, y, 32, rng=rng, n_steps=60)

    def one_by_one() -> None:
        for _ in range(32):
            networks.train(x, y, 1, rng=rng, n_steps=60)

    race("32 networks, 60 steps: at once, one by one", together, one_by_one)


def weights() -> None:
    log_n = 38 * math.log(10)
    budget(
        "own-point weight, n = 10^38, d = 128",
        lambda: speciation.own_weight(128, log_n, 0.3, s2=1.0, x2=128.0, z2=128.0),
        0.01,
    )


def refit(rng: torch.Generator) -> None:
    u = torch.rand(2, 240, generator=rng, dtype=torch.float64)
    n, d = 10 ** (7.8 + 2.4 * u[0]), 10 ** (9.7 + 2 * u[1])
    noise = 0.005 * torch.randn(240, generator=rng, dtype=torch.float64)
    y = laws.losses_of((1.8172, 482.01, 2085.43, 0.3478, 0.3658), n, d) * noise.exp()
    budget("scaling law through 240 runs", lambda: laws.fit(n, d, y), 0.1)
    race(
        "  beside L-BFGS with default tolerances",
        lambda: laws.fit(n, d, y), lambda: laws.huber_descent(n, d, y, averaged=True),
    )  # fmt: skip

    def misfit(law: list[float]) -> float:
        return float((laws.losses_of(law, n, d) / y - 1).square().sum())

    ours, theirs = laws.fit(n, d, y).misfit, misfit(laws.huber_descent(n, d, y, averaged=True).tolist())
    print(f"{'  sum of squared relative residuals':<44}{ours:>12.6f}{theirs:>14.6f}")


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    rng = torch.Generator().manual_seed(0)
    table.head("phase transitions in learning", "peer, budget")
    jumps(rng)
    cuts(rng)
    at_once(rng)
    weights()
    refit(rng)


if __name__ == "__main__":
    main()
