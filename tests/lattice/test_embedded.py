"""Laws of the clusters of signs inside a real field."""

import itertools
import math

import pytest
import torch

from fieldkit.autocorrelation import gamma_method
from fieldkit.estimates import mean
from fieldkit.lattice import embedded, free, free_exact, hmc, phi4, small_lattices

DOUBLE_WELL = phi4.Phi4(-4.0, 2.0)


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(7)


@pytest.mark.parametrize("d, L", [(1, 2), (1, 5), (2, 2), (2, 3), (3, 2)])
def test_one_flip_keeps_the_law_of_the_signs(d, L, rng):
    """Signs drawn from their exact law at fixed moduli, by enumeration of exp(-S), still follow it after one update."""
    theory = phi4.Phi4(0.3, 0.2)
    moduli = 0.3 + torch.rand((L,) * d, generator=rng, dtype=torch.float64)
    signs = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=L**d)), dtype=torch.float64)
    weight = torch.softmax(-theory.action(signs.view(-1, *moduli.shape) * moduli), 0)
    n = 200_000
    drawn = signs[torch.multinomial(weight, n, replacement=True, generator=rng)].view(-1, *moduli.shape) * moduli
    moved = embedded.flip(drawn, rng=rng)
    assert torch.equal(moved.abs(), drawn.abs()) and not torch.equal(moved, drawn)
    code = (moved.flatten(1) > 0).long() @ 2 ** torch.arange(L**d).flip(0)
    seen, expected = torch.bincount(code, minlength=len(weight)), n * weight
    enough = expected > 10
    chi2 = ((seen - expected) ** 2 / expected)[enough].sum()
    dof = int(enough.sum()) - 1
    assert chi2 < dof + 5 * math.sqrt(2 * dof)


def test_a_bond_is_as_likely_as_the_product_of_its_fields(rng):
    """Two sites (each bond counts twice) of moduli a, b and equal signs part with probability exp(-4 a b) / 2."""
    n, a, b = 100_000, 0.4, 0.7
    phi = torch.tensor([a, b], dtype=torch.float64).expand(n, 2)
    parted = embedded.flip(phi, rng=rng).prod(1) < 0
    assert abs(mean(parted.double()).pull(math.exp(-4 * a * b) / 2)) < 4


def test_signs_that_differ_never_hang_together_and_strong_fields_always_do(rng):
    phi = torch.ones(4000, 8, dtype=torch.float64)
    phi[:, ::2] = -1
    flipped = embedded.flip(100 * phi, rng=rng).sign()
    assert abs(mean(flipped[:, 0] * flipped[:, 1]).pull(0)) < 4
    whole = embedded.flip(100 * phi.abs(), rng=rng).sign().mean(1)
    assert torch.equal(whole.abs(), torch.ones_like(whole)) and abs(mean(whole).pull(0)) < 4


@pytest.mark.parametrize("d, L", [(1, 4), (2, 4), (3, 4)])
def test_a_step_keeps_the_free_field(d, L, rng):
    """Exact draws of a Gaussian field, moved once, are still draws of it: the theory with coupling 0."""
    n, mass2 = 30_000, 0.5
    phi = free.sample(n, L, d, mass2=mass2, rng=rng)
    moved = next(embedded.chain(phi4.Phi4(mass2, 0.0), phi, width=1.2, rng=rng))
    assert not torch.equal(moved.abs(), phi.abs())
    G = free_exact.propagator(L, d, mass2=mass2).flatten()
    _, square, fourth, neighbour = phi4.measure(moved).unbind(1)
    zero_mode = moved.flatten(1).mean(1) ** 2
    for seen, truth in ((square, G[0]), (fourth, 3 * G[0] ** 2), (neighbour, G[1]), (zero_mode, 1 / (mass2 * L**d))):
        assert abs(mean(seen).pull(float(truth))) < 4


@pytest.mark.parametrize("mass2, coupling", [(1.0, 0.5), (-1.0, 0.5), (-4.0, 2.0)])
@pytest.mark.parametrize("d, L", [(1, 2), (1, 8), (2, 2), (2, 4)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_chain_finds_the_exact_small_lattice(mass2, coupling, d, L, dtype, rng):
    theory = phi4.Phi4(mass2, coupling)
    exact = small_lattices.ring(theory, L) if d == 1 else small_lattices.torus(theory, L)
    chain = embedded.chain(theory, torch.ones((400,) + (L,) * d, dtype=dtype), width=1.0, rng=rng)
    steps = [next(chain) for _ in range(300)][50:]
    seen = torch.stack([phi4.measure(phi) for phi in steps], 1)
    chi = torch.stack([phi.double().flatten(1).mean(1) ** 2 * L**d for phi in steps], 1)
    for values, truth in zip((*seen.unbind(2)[1:], chi), (exact.phi2, exact.phi4, exact.nn, exact.chi)):
        assert abs(gamma_method(values).mean.pull(truth)) < 4
    assert abs(gamma_method(seen[:, :, 0]).mean.pull(0)) < 4  # either sign of the field, equally often
    identity = torch.stack([theory.schwinger_dyson(phi) for phi in steps], 1)
    assert abs(gamma_method(identity).mean.pull(0)) < 4


def test_flips_beside_hybrid_monte_carlo_on_an_odd_side(rng):
    phi, moved = torch.ones(400, 3, 3, dtype=torch.float64), []
    for _ in range(200):
        phi, _, _ = next(hmc.trajectories(DOUBLE_WELL, phi, step_size=0.12, n_leapfrog=8, rng=rng))
        phi = embedded.flip(phi, rng=rng)
        moved.append(torch.cat([phi4.measure(phi), 9 * phi.mean((1, 2))[:, None] ** 2], 1))
    exact = small_lattices.torus(DOUBLE_WELL, 3)
    seen = torch.stack(moved[40:], 1).unbind(2)[1:]
    for values, truth in zip(seen, (exact.phi2, exact.phi4, exact.nn, exact.chi)):
        assert abs(gamma_method(values).mean.pull(truth)) < 4


def test_the_identity_of_schwinger_and_dyson_holds_on_a_cube(rng):
    chain = embedded.chain(DOUBLE_WELL, torch.ones(60, 6, 6, 6, dtype=torch.float64), width=1.0, rng=rng)
    identity = torch.stack([DOUBLE_WELL.schwinger_dyson(next(chain)) for _ in range(160)][40:], 1)
    assert abs(gamma_method(identity).mean.pull(0)) < 4


def test_clusters_forget_the_magnetisation_many_times_faster_than_single_sites(rng):
    """Near the critical point of coupling 1 in two dimensions; times in sweeps of all sites."""
    theory, L = phi4.Phi4(-3.8, 1.0), 16
    start = torch.ones(64, L, L, dtype=torch.float64)
    with_flips = embedded.chain(theory, start, width=1.2, rng=rng, n_sweeps=1)
    squares = torch.stack([next(with_flips).mean((1, 2)) ** 2 for _ in range(300)][50:], 1)
    phi, alone = embedded.metropolis(theory, start, width=1.2, rng=rng, n_sweeps=300)[0], []
    for _ in range(1500):
        phi, _ = embedded.metropolis(theory, phi, width=1.2, rng=rng)
        alone.append(phi.mean((1, 2)) ** 2)
    fast, slow = gamma_method(squares).tau, gamma_method(torch.stack(alone, 1)).tau
    assert fast.value + 4 * fast.error < (slow.value - 4 * slow.error) / 3


def test_a_quarter_of_a_wide_move_and_most_of_a_narrow_one_are_taken(rng):
    """One site pair, coupling 0: the acceptance of a move u is <erfc(sqrt(k / 8) |u|)>, k = 2d + mass2 at fixed h."""
    n, mass2 = 40_000, 1.0
    phi = free.sample(n, 2, 1, mass2=mass2, rng=rng)
    for width in (0.3, 4.0):
        _, taken = embedded.metropolis(phi4.Phi4(mass2, 0.0), phi, width=width, rng=rng)
        u = torch.linspace(0, width, 4001, dtype=torch.float64)
        exact = torch.trapezoid(torch.erfc(math.sqrt((2 + mass2) / 8) * u), u) / width
        assert abs(mean(taken).pull(float(exact))) < 4


def test_a_chain_goes_on_from_its_last_field_and_generator():
    rng = torch.Generator().manual_seed(3)
    steps = embedded.chain(DOUBLE_WELL, torch.ones(3, 4, 4), width=1.0, rng=rng)
    phi = [next(steps) for _ in range(3)][-1]
    state = rng.get_state()
    following = next(steps)
    again = torch.Generator()
    again.set_state(state)
    assert torch.equal(next(embedded.chain(DOUBLE_WELL, phi, width=1.0, rng=again)), following)


def test_what_no_chain_can_do_is_explained(rng):
    with pytest.raises(ValueError, match=r"L = 3: checkerboard updates need an even side.*hmc.trajectories"):
        embedded.metropolis(DOUBLE_WELL, torch.ones(2, 3, 3), width=1.0, rng=rng)
    for width in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="width = "):
            embedded.metropolis(DOUBLE_WELL, torch.ones(2, 4, 4), width=width, rng=rng)
    with pytest.raises(ValueError, match="as many as axes"):
        embedded.flip(torch.ones(2, 4, 6), rng=rng)
