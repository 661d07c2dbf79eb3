"""How well two temperatures can be told apart, and what pooling leaves of that."""

import pytest
import torch

from fieldkit.lattice import ising
from fieldkit.rg import blocking, enumeration, phases, rules


def test_no_guess_is_better_than_a_threshold_on_the_energy():
    """At two temperatures the ratio of the laws depends on the energy alone: nothing is lost, 4 x 4, exactly."""
    pair = (2.2, 6.0)
    laws = [enumeration.law(4, 4, T)[1] for T in pair]
    by_energy = phases.ceiling(*(phases.seen(ising.energy, T) for T in pair))
    assert by_energy == pytest.approx(phases.ceiling(*laws), abs=1e-12)
    by_size = phases.ceiling(*(phases.seen(lambda s: ising.magnetization(s).abs(), T) for T in pair))
    assert by_size == pytest.approx(phases.magnetization_ceiling(4, *pair), abs=1e-12)
    assert by_size < by_energy - 0.004
    cut = phases.magnetization_cut(4, *pair)
    sizes = [ising.magnetization(enumeration.law(4, 4, T)[0]).abs() for T in pair]
    above, below = float(laws[0][sizes[0] > cut].sum()), float(laws[1][sizes[1] <= cut].sum())
    assert (above + below) / 2 == pytest.approx(by_size, abs=1e-12)


def test_pooling_only_lowers_the_ceiling():
    pair = (2.2, 6.0)
    ceilings = {
        rule.__name__: phases.ceiling(*(phases.seen(rule, T) for T in pair))
        for rule in (blocking.average, blocking.stride, blocking.maximum)
    }
    everything = phases.ceiling(*(enumeration.law(4, 4, T)[1] for T in pair))
    assert 0.5 < ceilings["maximum"] < ceilings["stride"] < ceilings["average"] < everything < 1
    by_table = phases.ceiling(*(phases.seen_by_rule(rules.decimation(), T) for T in pair))
    assert by_table == pytest.approx(ceilings["stride"], abs=1e-12)


def test_equal_laws_cannot_be_told_apart():
    law = torch.tensor([0.2, 0.3, 0.5])
    assert phases.ceiling(law, law) == pytest.approx(0.5)
    assert phases.ceiling(law, law[[2, 0, 1]].roll(1)) <= 1


def test_the_threshold_may_lie_either_way():
    values = torch.tensor([1.0, 2.0, 3.0, 4.0, 2.5])
    labels = torch.tensor([0, 0, 1, 1, 1])
    new = torch.tensor([0.0, 5.0, 1.5])
    assert phases.by_threshold(values, labels, (new, torch.tensor([0, 1, 1]))).value == pytest.approx(2 / 3)
    assert phases.by_threshold(-values, labels, (-new, torch.tensor([0, 1, 1]))).value == pytest.approx(2 / 3)


def test_pooling_weights_are_positive_and_sum_to_one():
    pictures = torch.randn(2, 4, 4, generator=torch.Generator().manual_seed(0))
    equal = phases.pooled(pictures, torch.zeros(4))
    assert torch.allclose(equal, blocking.average(pictures))
    first = phases.pooled(pictures, torch.tensor([60.0, 0, 0, 0]))
    assert torch.allclose(first, blocking.stride(pictures))


def test_a_trained_network_learns_what_can_be_seen():
    """Pictures that differ in their mean only: nearly all right, with and without pooling weights of its own."""
    rng = torch.Generator().manual_seed(1)
    labels = torch.arange(2).repeat(400)
    pictures = torch.randn(800, 4, 4, generator=rng) + labels[:, None, None]
    for n_pools in (0, 1):
        found = phases.accuracy(
            pictures[:400], labels[:400], (pictures[400:], labels[400:]), rng=rng, n_pools=n_pools, n_steps=200
        )
        assert 0.9 < found.value < 1
    with pytest.raises(ValueError, match="give"):
        phases.accuracy(pictures, labels[:3], (pictures, labels), rng=rng)
