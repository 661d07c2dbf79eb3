"""Blocking: free fields exactly, rules and operators on configurations, the enumerated torus."""

import math

import pytest
import torch

from fieldkit.lattice import free, free_exact, ising, ising_exact
from fieldkit.rg import blocking, enumeration, rules
from fieldkit.rg import free_blocking as gauss

TC = ising_exact.T_CRITICAL


def momenta(*p):
    return torch.tensor(p, dtype=torch.float64)


@pytest.mark.parametrize("d, L, b", [(1, 12, 2), (1, 12, 3), (2, 8, 2), (3, 4, 2)])
def test_the_alias_formula_is_the_covariance_of_block_means(d, L, b):
    G = free_exact.propagator(L, d, mass2=0.3)
    spectrum = 1 / (free.momentum_squared(L, d) + 0.3)
    for dimension in (0.0, (d - 2) / 2):
        exact = torch.fft.ifftn(gauss.block_spectrum(spectrum, b=b, field_dimension=dimension)).real
        assert torch.allclose(exact, blocking.averaged_correlator(G, b=b, field_dimension=dimension), atol=1e-15)
    strided = torch.fft.ifftn(gauss.stride_spectrum(spectrum, b=b)).real
    assert torch.allclose(strided, blocking.strided_correlator(G, b=b), atol=1e-15)


def test_the_mass_grows_by_b_squared():
    """Adaptive mass, as it is: m2' = b^2 m2 of the zero mode in every d; not so without the field factor."""
    for d in (1, 2, 3):
        spectrum = 1 / (free.momentum_squared(8, d) + 0.01)
        assert float(1 / gauss.block_spectrum(spectrum).view(-1)[0]) == pytest.approx(0.04, rel=1e-13)
    assert float(1 / gauss.block_spectrum(spectrum, field_dimension=0.0).view(-1)[0]) != pytest.approx(0.04, rel=0.1)


def test_blocked_samples_have_the_blocked_propagator():
    rng = torch.Generator().manual_seed(4)
    phi = free.sample(4000, 8, 2, mass2=0.5, rng=rng)
    measured = free.correlator(blocking.average(phi, field_dimension=gauss.dimension(2)))
    exact = blocking.averaged_correlator(free_exact.propagator(8, 2, mass2=0.5))
    pull = (measured.mean(0) - exact) / (measured.std(0) / 4000**0.5)
    assert float(pull.abs().max()) < 4


@pytest.mark.parametrize("d", [1, 2, 3])
def test_errors_fall_by_four_a_step(d):
    p = momenta(1.1, 0.4, 2.0)[:d]
    errors = torch.stack([gauss.blocked(p, n) - gauss.perfect(p) for n in range(2, 7 - (d == 3))])
    ratios = errors[:-1] / errors[1:]
    assert float(ratios[-1]) == pytest.approx(4, rel=3e-3)
    assert math.log2(float(ratios[-1])) == pytest.approx(-gauss.exponent(2, d=d, derivatives=4), abs=0.01)


def test_the_perfect_chain():
    p = momenta(0.3, 1.3, 3.0, -2.0)
    assert torch.allclose(gauss.perfect(p[:, None]), gauss.perfect_chain(p), rtol=1e-12)
    for m2 in (0.5, 4.0):
        assert torch.allclose(gauss.perfect(p[:, None], mass2=m2), gauss.perfect_chain(p, mass2=m2), rtol=1e-12)
    # mpmath, nsum over all aliases
    assert float(gauss.perfect_chain(1.3)) == pytest.approx(0.51592609842223184663, rel=1e-14)
    assert float(gauss.perfect_chain(1.3, mass2=0.5)) == pytest.approx(0.3987657402286659593, rel=1e-13)
    # every step of blocking, exactly: 1/p^2 - (1 - 4^-n)/6
    assert float(gauss.blocked(momenta(math.pi / 2), 3)) == pytest.approx(0.3359375, rel=1e-13)


def test_blocking_the_perfect_propagator_changes_nothing():
    for d in (1, 2):
        spectrum = gauss.perfect_spectrum(8, d)
        once = gauss.block_spectrum(spectrum)
        assert torch.allclose(once.view(-1)[1:], gauss.perfect_spectrum(4, d).view(-1)[1:], rtol=1e-12)


def test_kappa_six_makes_the_chain_ultralocal_and_the_plane_nearly():
    chain = gauss.perfect_action(16, 1, kappa=6.0)
    assert chain[:3].tolist() == pytest.approx([2, -1, 0], abs=1e-12)
    plane = gauss.perfect_action(64, 2, kappa=6.0)
    # numpy: alias sums and Richardson extrapolation, 32 aliases
    values = [float(plane[x]) for x in ((0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2))]
    assert values == pytest.approx([3.240275, -0.618020, -0.190331, -0.001998, -0.000679, 0.001625], abs=2e-6)


def test_the_perfect_propagator_in_two_and_three_dimensions():
    """numpy: alias sums after n block averages, Richardson extrapolated in 4^-n."""
    pi = math.pi
    assert float(gauss.perfect(momenta(pi, pi))) == pytest.approx(0.03514425374137531, abs=4e-11)
    assert float(gauss.perfect(momenta(pi, 0, 0))) == pytest.approx(0.08333333333333358, abs=1e-13)
    assert float(gauss.blocked(momenta(pi, pi), 2)) == pytest.approx(0.04296874999999997, abs=1e-14)
    assert math.isinf(float(gauss.perfect(momenta(0, 0))))


def test_white_noise_shrinks_by_the_central_limit_theorem():
    """The null of every "block spin" of a weight matrix: independent entries lose a factor b^(d/2) a step, no more."""
    rng = torch.Generator().manual_seed(2)
    noise = torch.randn(64, 64, 64, generator=rng, dtype=torch.float64)
    for _ in range(3):
        smaller = blocking.average(noise, b=2)
        assert float(noise.std() / smaller.std()) == pytest.approx(2, rel=0.02)
        noise = smaller


def test_rules_on_a_picture_that_one_can_check_by_hand():
    rng = torch.Generator().manual_seed(0)
    picture = torch.tensor([[[1, 1, -1, -1], [1, -1, -1, 1], [1, -1, 1, 1], [-1, 1, 1, 1]]], dtype=torch.int8)
    blocked = blocking.majority(picture, rng=rng)
    assert blocked.dtype == torch.int8 and blocked[0, 0].tolist() == [1, -1] and int(blocked[0, 1, 1]) == 1
    assert blocking.stride(picture)[0].tolist() == [[1, -1], [1, 1]]
    assert blocking.average(picture)[0].tolist() == [[0.5, -0.5], [0, 1]]
    assert blocking.maximum(picture)[0].tolist() == [[1, 1], [1, 1]]
    assert blocking.sign_of_sum(picture.double() + 0.01)[0].tolist() == [[1, -1], [1, 1]]
    with pytest.raises(ValueError, match="b divides L"):
        blocking.majority(picture[:, :3], rng=rng)


def test_ties_are_tossed_fairly_and_only_ties():
    rng = torch.Generator().manual_seed(1)
    tie = torch.tensor([[1, -1], [-1, 1]], dtype=torch.int8).repeat(1, 40000, 1)[:, :40000]
    up = (blocking.majority(tie, rng=rng) > 0).double()
    assert float(up.mean()) == pytest.approx(0.5, abs=4 * 0.5 / up.numel() ** 0.5)
    three = torch.ones(2, 9, 9, 9, dtype=torch.int8)
    assert bool((blocking.majority(three, rng=rng, b=3) == 1).all())


@pytest.mark.parametrize("table", [rules.majority(), rules.decimation(), rules.majority(tie=1.0), rules.parity()])
def test_a_table_blocks_as_the_rule_that_it_describes(table):
    rng = torch.Generator().manual_seed(5)
    spins = ising.random_spins(200, 8, rng=rng)
    blocked = rules.apply(spins, table, rng=rng)
    share = table[rules.state_of(spins)]
    decided = (share == 0) | (share == 1)
    assert bool((blocked[decided] == (2 * share[decided] - 1)).all())
    if rules.is_odd(table):
        assert not bool((table - rules.majority(tie=1.0)).abs().max() == 0)


def test_operators_count_their_figures():
    """All spins up: every operator is the number of its figures, sites times images."""
    up = torch.ones(2, 8, 8, dtype=torch.int8)
    operators = blocking.EVEN + blocking.ODD
    assert torch.allclose(blocking.sums(up, operators), 64 * blocking.count(operators).expand(2, -1))
    assert [o.odd for o in operators] == [False] * 5 + [True] * 3
    spins = ising.random_spins(5, 6, rng=torch.Generator().manual_seed(3))
    assert torch.allclose(blocking.sums(spins, [blocking.NEAREST])[:, 0], -36 * ising.energy(spins))
    assert torch.allclose(blocking.sums(spins, operators), blocking.sums(spins.double(), operators))


@pytest.mark.parametrize("operator", blocking.EVEN + blocking.ODD, ids=lambda o: o.name)
def test_operators_are_sums_over_the_symmetries_of_the_square(operator):
    spins = ising.random_spins(4, 6, rng=torch.Generator().manual_seed(6))
    one = blocking.sums(spins, [operator])
    for turned in (spins.rot90(1, (1, 2)), spins.flip(1), spins.transpose(1, 2), spins.roll((2, 1), (1, 2))):
        assert torch.equal(blocking.sums(turned.contiguous(), [operator]), one)
    assert torch.equal(blocking.sums(-spins, [operator]), -one if operator.odd else one)


def test_the_enumerated_step_from_independent_values():
    """numpy: 2^16 states, ties averaged; nn, nnn, plaquette and s, three round a corner."""
    majority, even, odd = rules.majority(), blocking.EVEN, blocking.ODD
    assert float(enumeration.exponents(majority, odd[:1], T=TC)[0]) == pytest.approx(1.8694753701477353, abs=2e-12)
    assert float(enumeration.exponents(majority, odd[:2], T=TC)[0]) == pytest.approx(1.875625228269918, abs=2e-12)
    y = [float(enumeration.exponents(rules.decimation(), even[:k], T=TC)[0]) for k in (1, 3)]
    assert y == pytest.approx([0.594041847228945, 0.7730122972420567], abs=1e-11)
    assert float(enumeration.exponents(majority, even[:3], T=3.0)[0]) == pytest.approx(0.6580473160021642, abs=2e-12)
    K = enumeration.couplings(majority, T=TC)
    assert K.tolist() == pytest.approx([0.346450170771, 0.08184601811637, 0.004908632445899], abs=1e-11)
    law = enumeration.coarse_law(majority, T=TC)
    m = enumeration.coarse_states().double().mean((1, 2))
    assert float(law @ m**2) == pytest.approx(0.8869447977332355, abs=1e-12)


def test_majority_is_nearly_right_and_decimation_is_not():
    y = [float(enumeration.exponents(t, blocking.EVEN[:2], T=TC)[0]) for t in (rules.majority(), rules.decimation())]
    assert abs(y[0] - 1) < 0.02 < 0.2 < abs(y[1] - 1)


def test_blocking_keeps_probabilities():
    for table in (rules.majority(), rules.majority(tie=0.3), rules.parity()):
        chance = enumeration.transition(table)
        assert torch.allclose(chance.sum(1), torch.ones(65536, dtype=torch.float64))
    assert float(enumeration.coarse_law(rules.majority(), T=2.0).sum()) == pytest.approx(1, abs=1e-12)
    with pytest.raises(ValueError, match="symmetry"):
        enumeration.couplings(rules.majority(tie=1.0), T=2.0)


def test_the_couplings_of_the_blocked_law_are_complete():
    """Three couplings and a constant reproduce all sixteen probabilities."""
    K = enumeration.couplings(rules.majority(), T=3.0)
    weight = (blocking.sums(enumeration.coarse_states(), blocking.EVEN[:3]) @ K).softmax(0)
    assert torch.allclose(weight, enumeration.coarse_law(rules.majority(), T=3.0), rtol=1e-12)


def test_max_pooling_breaks_the_symmetry_and_averages_keep_it():
    """numpy: enumeration of the 4 x 4 torus at T_c."""
    assert enumeration.average(blocking.maximum, 4, 4, TC) == pytest.approx(0.21370557725398376, abs=1e-12)
    assert enumeration.average(blocking.average, 4, 4, TC) == pytest.approx(0, abs=1e-14)
    square = enumeration.average(lambda s: blocking.average(s) ** 2, 4, 4, TC)
    assert square == pytest.approx(0.8265360584337457, abs=1e-12)
