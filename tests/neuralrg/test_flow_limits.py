"""Laws of part five at the edges: extreme units, whole numbers, low temperatures; and what it refuses."""

import math

import pytest
import torch

from fieldkit.lattice import free
from fieldkit.neuralrg import (
    annealing,
    collapse,
    couplings,
    flows,
    information,
    ising_dual_exact,
    mera,
    prices,
    receptive,
    scales,
    spectrum,
    splines,
    targets,
    weighing,
)
from fieldkit.neuralrg.ising_dual import IsingDual


def generator(seed=3):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("reach", [0, 1, 2])
@pytest.mark.parametrize("d", [1, 2])
def test_couplings_go_back_at_any_reach(d, reach):
    step = couplings.Couplings(d, n_rounds=2, width=3, reach=reach, rng=generator(), dtype=torch.float64)
    with torch.no_grad():
        for p in step.parameters():
            p.add_(0.1 * torch.randn(p.shape, generator=generator(), dtype=p.dtype))
    z = torch.randn((2, *(8,) * d), generator=generator(), dtype=torch.float64)
    x, log_det = step(z)
    again, back = step.inverse(x)
    assert torch.allclose(again, z, atol=1e-12) and torch.allclose(log_det, -back, atol=1e-12)


def test_whole_weights_are_accepted_as_often_as_the_same_in_floating_point():
    log_weight = torch.randint(0, 3, (2, 500), generator=generator())
    one, other = (weighing.independence_metropolis(w, rng=generator(1))[0] for w in (log_weight, log_weight.double()))
    assert torch.equal(one, other)


def test_what_is_measured_has_a_row_for_each_field():
    flow, magnet = mera.mera(4, 2, width=3, n_rounds=1, rng=generator()), IsingDual(4, 3.0)
    with pytest.raises(ValueError, match="a row for each"):
        weighing.draw(flow, magnet, 5, rng=generator(), measure=lambda x: torch.ones(2, len(x)))
    drawn = weighing.draw(flow, magnet, 5, rng=generator(), measure=lambda x: torch.ones(len(x), 2))
    assert drawn.measured.shape == (5, 2)


def test_waves_that_are_nearly_right_keep_the_digits_of_their_weights():
    assert annealing.ess_of_waves(1 + 1e-9, 10**17, 1) == pytest.approx(math.exp(-0.2), rel=1e-6)


def test_information_does_not_know_the_units():
    a = torch.randn(800, generator=generator(), dtype=torch.float64)
    b = a + torch.randn(800, generator=generator(4), dtype=torch.float64)
    plain = information.mutual_information(a, b, n_batches=2)
    assert information.mutual_information(2.0**700 * a, 2.0**-700 * b, n_batches=2) == plain


@pytest.mark.parametrize("L", [3, 4])
@pytest.mark.parametrize("T", [2.0, 1e-3, 1e-9, 1e-14])
def test_the_least_eigenvalue_is_the_shift_at_every_temperature(L, T):
    K = IsingDual(L, T, 2, 0.1).kernel()
    assert K.min().item() == pytest.approx(0.1, rel=1e-9)
    p2 = free.momentum_squared(L, 2)
    assert K.max().item() == pytest.approx(0.1 + p2.max().item() / T, rel=1e-12)


def test_angles_between_fields_do_not_know_their_size():
    f, g = (torch.randn(2, 4, 4, generator=generator(k), dtype=torch.float64) for k in (1, 2))
    plain = receptive.overlap(f, g[0])
    assert torch.allclose(receptive.overlap(1e-200 * f, 1e200 * g[0]), plain, rtol=1e-13)


def test_a_flow_takes_its_shape_as_a_list_too():
    flow = flows.Flow(flows.Prior([4, 4], rng=generator()), [])
    assert flow.sample(2, rng=generator())[0].shape == (2, 4, 4)


MAGNET = IsingDual(4, 2.5)
REFUSED = {
    "a ring of two and a half spins": lambda: ising_dual_exact.spin_log_partition(2.5, 1.0, d=1),
    "a ring below zero": lambda: ising_dual_exact.spin_energy(4, -1.0, d=1),
    "a magnetisation above one": lambda: ising_dual_exact.zero_mode(MAGNET, 1.5),
    "fields of another lattice": lambda: ising_dual_exact.by_states(MAGNET, torch.zeros(1, 3, 3)),
    "time that runs back": lambda: prices.of_chains(torch.randn(2, 200, generator=generator()), -1.0),
    "a walk of no step": lambda: annealing.passes(0, 5),
    "a wave that is all too wide": lambda: annealing.ess_of_waves(1e200, 1, 1),
    "no direction": lambda: receptive.overlap(torch.zeros(2, 4, 4), torch.ones(4, 4)),
    "waves of unequal power": lambda: spectrum.Spectrum(3, 1, power=[1.0, 2.0, 3.0], rng=generator()),
    "a start nowhere": lambda: spectrum.Spectrum(4, 2, mean=math.nan, rng=generator()),
    "half a block away": lambda: couplings.Couplings(2, n_rounds=1, width=2, reach=0.5, rng=generator()),
    "a lattice without sites": lambda: flows.Prior((4, 0), rng=generator()),
    "a spline without bound": lambda: splines.spline(*[torch.ones(2, 3)] * 3, torch.ones(1, 3), bound=-1.0),
    "sides that are none": lambda: collapse.balance(torch.tensor([[math.nan], [1.0]])),
    "a volume of nothing": lambda: targets.log_partition_to_albergo(1.0, 0),
    "between the levels": lambda: scales.nested(4, n_levels=1.5),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_answer_is_refused_in_a_sentence(name):
    with pytest.raises((ValueError, TypeError), match=r"[;:] .{10}"):
        REFUSED[name]()
