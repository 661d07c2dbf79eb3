"""How does the quality change with temperature and depth?  One training a point, each with a checkpoint of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import TypeVar

import torch

from fieldkit.estimates import Estimate
from fieldkit.neuralrg import training, weighing
from fieldkit.neuralrg.flows import Flow
from fieldkit.neuralrg.targets import Target

Point = TypeVar("Point", bound=Hashable)


@dataclasses.dataclass(frozen=True)
class Quality:
    """What a trained flow is worth: free energy F, effective sample size, ln Z by importance weights; flow, target."""

    free_energy: Estimate
    ess: Estimate
    log_partition: Estimate
    flow: Flow
    target: Target


def sweep(
    points: Iterable[Point], make: Callable[[Point, torch.Generator], tuple[Flow, Target]], *, n_steps: int, batch: int,
    n_draws: int, rng: torch.Generator, rate: float = 0.02, folder: str | Path | None = None, show: bool = False,
) -> dict[Point, Quality]:  # fmt: skip
    """Train and weigh `make(point, rng) -> (flow, target)` at each point, such as a temperature or (T, depth).

    n_draws new fields in float64 weigh each flow, which stays float64 afterwards.  With a `folder`, point p trains
    with the checkpoint folder/p.pt, and a killed sweep goes on in the middle of a point: every point draws from a
    generator of its own, seeded from rng in the order of points.  Raises as `training.train` and `weighing`.
    """
    found: dict[Point, Quality] = {}
    for point in points:
        seed = int(torch.randint(0, 2**31, (), generator=rng, device=rng.device))
        own = torch.Generator(rng.device).manual_seed(seed)
        flow, target = make(point, own)
        name = "-".join(str(part) for part in point) if isinstance(point, tuple) else str(point)
        path = None if folder is None else Path(folder) / f"{name}.pt"
        training.train(flow, target, n_steps=n_steps, batch=batch, rng=own, rate=rate, path=path, label=name, show=show)
        log_weight = weighing.draw(flow.double(), target, n_draws, rng=own).log_weight
        found[point] = Quality(
            weighing.free_energy(log_weight), weighing.effective_sample_size(log_weight),
            weighing.log_partition(log_weight), flow, target,
        )  # fmt: skip
    return found
