"""What part five cannot do it refuses, in a sentence; arrays and lists are as good as tensors."""

import math

import numpy as np
import pytest
import torch

from fieldkit.neuralrg import (
    blocks,
    information,
    ising_dual_exact,
    latent,
    prices,
    receptive,
    scales,
    spectrum,
    symmetry,
    weighing,
)  # fmt: skip
from fieldkit.neuralrg.equivariant import equivariant
from fieldkit.neuralrg.ising_dual import IsingDual
from fieldkit.neuralrg.mera import mera

RNG = torch.Generator().manual_seed(1)
FLOW, TWICE = equivariant(4, rng=RNG), torch.zeros(2, 4, 4, dtype=torch.float64)


@pytest.mark.parametrize(
    ("work", "says"),
    [
        (lambda: mera(8, 4, rng=RNG), "d = 4"),
        (lambda: mera(3, 1, rng=RNG), "L = 3: an odd side"),
        (lambda: mera(8, mean=math.nan, rng=RNG), "mean = nan"),
        (lambda: FLOW(TWICE), "flow.double"),
        (lambda: FLOW.inverse(TWICE), "flow.double"),
        (lambda: FLOW.log_prob(TWICE), "flow.double"),
        (lambda: FLOW.transport(TWICE), "flow.double"),
        (lambda: symmetry.Symmetrised(FLOW).log_prob(TWICE), "flow.double"),
        (lambda: latent.Latent(FLOW, IsingDual(4, 2.0)).action(TWICE), "flow.double"),
        (lambda: receptive.response(FLOW, torch.zeros(1, 4, 4), (9, 9)), "site"),
        (lambda: receptive.response(FLOW, torch.zeros(1, 4, 4), (1,)), "site"),
        (lambda: receptive.wavelet(8, (9, 9)), "site"),
        (lambda: receptive.overlap(torch.zeros(4, 4), torch.zeros(4, 4)), "no direction"),
        (lambda: receptive.covariance(torch.zeros(4, 4), torch.zeros(8, 8), torch.zeros(4, 4)), "one lattice"),
        (lambda: information.mutual_information(torch.full((2000,), math.nan), torch.zeros(2000)), "not finite"),
        (lambda: information.mutual_information(torch.ones(2000), torch.ones(2000), n_neighbours=0), "n_neighbours"),
        (lambda: information.gaussian(torch.zeros(20), torch.ones(20)), "never moves"),
        (lambda: ising_dual_exact.draw(IsingDual(2, 2.0), 0, rng=RNG), "n = 0"),
        (lambda: ising_dual_exact.correlator(IsingDual(2, 2.0, 3)), "d = 3"),
        (lambda: spectrum.classes(0, 2), "L = 0"),
        (lambda: spectrum.Spectrum(4, 2, power=torch.full((4, 4), math.nan), rng=RNG), "positive number"),
        (lambda: blocks.corners(torch.zeros(1, 5, 5)), "even sides"),
        (lambda: scales.relative(torch.zeros(200, 5, 5)), "side 5"),
        (lambda: weighing.reweighted(torch.ones(200), torch.ones(100)), "one value for each draw"),
        (lambda: weighing.independence_metropolis(torch.full((2, 3), math.nan), rng=RNG), "not numbers"),
        (lambda: prices.of_draws(torch.randn(200), -1.0), "seconds"),
    ],
)
def test_what_has_no_answer_is_refused_in_a_sentence(work, says):
    with pytest.raises((ValueError, TypeError), match=says):
        work()


def test_arrays_and_lists_are_as_good_as_tensors():
    w = torch.randn(200, dtype=torch.float64, generator=RNG)
    for f in (weighing.free_energy, weighing.log_partition, weighing.effective_sample_size):
        assert f(w) == f(w.numpy()) == f(w.tolist())
    assert weighing.reweighted(w, w) == weighing.reweighted(w.tolist(), w.numpy())
    assert spectrum.Spectrum(2, 1, power=[1.0, 2.0], rng=RNG).log_power.exp()[1].item() == pytest.approx(2)
    assert IsingDual(4, 2.0).fields(np.ones((2, 4, 4)), rng=RNG).shape == (2, 4, 4)
