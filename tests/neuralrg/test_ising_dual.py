"""The dual field and the spins are one theory, and its exact answers are those of another road."""

import math

import pytest
import torch

from fieldkit.estimates import fraction, mean
from fieldkit.lattice import ising, ising_exact
from fieldkit.lattice.phi4 import Phi4
from fieldkit.neuralrg import ising_dual_exact as exact
from fieldkit.neuralrg import targets
from fieldkit.neuralrg.ising_dual import IsingDual, log_cosh

CASES = [(2, 2.3, 2), (3, 2.3, 2), (4, 1.7, 2), (4, 3.0, 2), (5, 1.1, 1), (8, 2.0, 1), (2, 1.5, 1)]


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(11)


def bonds(theory):
    """The matrix A, a site and its next neighbour along each axis; two bonds where both neighbours are one site."""
    shape = (theory.L,) * theory.d
    site = torch.arange(theory.volume).reshape(shape)
    A = torch.zeros(theory.volume, theory.volume, dtype=torch.float64)
    for axis in range(theory.d):
        for i, j in zip(site.flatten().tolist(), site.roll(-1, axis).flatten().tolist()):
            A[i, j] += 1
            A[j, i] += 1
    return A


@pytest.mark.parametrize(("L", "T", "d"), CASES)
def test_the_action_is_that_of_the_dense_matrix(L, T, d, rng):
    theory = IsingDual(L, T, d, shift=0.3)
    A = bonds(theory) / T
    least = torch.linalg.eigvalsh(A)[0]
    K = A + (0.3 - least) * torch.eye(theory.volume, dtype=torch.float64)
    x = torch.randn(5, *(L,) * d, generator=rng, dtype=torch.float64).requires_grad_()
    flat = x.flatten(1)
    expected = 0.5 * (flat @ torch.linalg.inv(K) * flat).sum(1) - torch.cosh(flat).log().sum(1)
    assert theory.offset == pytest.approx((0.3 - least).item(), abs=1e-12)
    assert torch.allclose(theory.action(x), expected, atol=1e-10)
    (gradient,) = torch.autograd.grad(expected.sum(), x)
    assert torch.allclose(theory.force(x.detach()), -gradient, atol=1e-10)
    (by_autograd,) = torch.autograd.grad(theory.action(x).sum(), x)
    assert torch.allclose(by_autograd, gradient, atol=1e-10)
    expected_shift = theory.volume * (theory.offset / 2 + math.log(2 * math.pi) / 2 - math.log(2)) + K.logdet() / 2
    assert exact.log_partition_shift(theory) == pytest.approx(expected_shift.item(), abs=1e-10)


@pytest.mark.parametrize(("L", "T", "d"), CASES)
def test_the_density_is_the_mixture_over_all_spin_states(L, T, d, rng):
    """exp(-S) / Z with Z by Kaufman or the transfer matrix, against sum_s P(s) N(x; K s, K)."""
    theory = IsingDual(L, T, d)
    x = 2 * torch.randn(4, *(L,) * d, generator=rng, dtype=torch.float64)
    by_action = -theory.action(x) - exact.log_partition(theory)
    assert torch.allclose(exact.by_states(theory, x), by_action, atol=1e-9)


def test_z_of_two_sites_is_the_double_integral():
    theory = IsingDual(2, 1.5, 1, shift=0.4)
    axis = torch.linspace(-18, 18, 1441, dtype=torch.float64)
    z = torch.exp(-theory.action(torch.cartesian_prod(axis, axis))).sum() * (axis[1] - axis[0]) ** 2
    assert z.log().item() == pytest.approx(exact.log_partition(theory), abs=1e-9)


def test_the_shift_changes_the_field_and_not_the_spins():
    one, two = IsingDual(4, 2.2, shift=0.1), IsingDual(4, 2.2, shift=0.7)
    spins = [exact.log_partition(t) - exact.log_partition_shift(t) for t in (one, two)]
    assert spins[0] == pytest.approx(spins[1], abs=1e-10)
    assert spins[0] == pytest.approx(ising_exact.log_partition(4, 2.2), abs=1e-10)


@pytest.mark.parametrize(("L", "T"), [(2, 0.7), (3, 1.0), (6, 2.5), (9, 0.4)])
def test_the_ring_is_the_sum_over_its_states(L, T):
    states = ising_exact.all_states(1, L)[:, 0].double()
    H = -(states * states.roll(-1, 1)).sum(1)
    log_z = (-H / T).logsumexp(0)
    assert exact.spin_log_partition(L, T, d=1) == pytest.approx(log_z.item(), abs=1e-11)
    energy = (H * (-H / T - log_z).exp()).sum().item() / L
    assert exact.spin_energy(L, T, d=1) == pytest.approx(energy, abs=1e-11)


def test_fields_from_exact_spins_obey_the_exact_identities(rng):
    """Spins from the list of all states, fields given spins: <x K^-1 x> and <(sum x)^2> / N, and spins drawn back."""
    theory, n = IsingDual(4, 2.4), 40000
    H, _ = ising_exact.enumerate_states(4, 4)
    p = (-H / 2.4).softmax(0)
    s = ising_exact.all_states(4, 4)[torch.multinomial(p, n, replacement=True, generator=rng)]
    x = theory.fields(s, rng=rng)
    inverse = torch.fft.ifft2(torch.fft.fft2(x) / theory.kernel()).real
    found = mean((x * inverse).sum((1, 2)) / 16)
    assert abs(found.pull(exact.quadratic(theory))) < 4
    m2 = ising_exact.magnetization_moment(4, 2.4, 2)
    assert abs(mean(x.sum((1, 2)).square() / 16).pull(exact.zero_mode(theory, m2))) < 4
    assert abs(mean(theory.squared_magnetization(x)).pull(m2)) < 4
    again = theory.spins(x, rng=rng)
    assert again.dtype == torch.int8 and set(again.unique().tolist()) == {-1, 1}
    assert abs(mean(ising.energy(again)).pull(ising_exact.energy(4, 2.4))) < 4
    assert abs(mean(ising.magnetization(again).square()).pull(m2)) < 4
    up = fraction(again[:, 0, 0] > 0)
    assert abs(up.pull(0.5)) < 4 and theory.magnetization(x).shape == (n,)


def test_the_correlator_has_the_exact_energy_and_longest_wave_in_it():
    theory = IsingDual(4, 2.4)
    C = exact.correlator(theory)
    by_modes = torch.fft.fft2(C).real
    assert (by_modes / theory.kernel()).mean().item() == pytest.approx(exact.quadratic(theory), abs=1e-10)
    m2 = ising_exact.magnetization_moment(4, 2.4, 2)
    assert C.sum().item() == pytest.approx(exact.zero_mode(theory, m2), abs=1e-9)
    found = exact.draw(theory, 20000, rng=torch.Generator().manual_seed(1))
    assert abs(mean((found * found.roll(1, 2)).mean((1, 2))).pull(C[0, 1].item())) < 4


def test_one_sector_and_its_image_make_the_whole(rng):
    theory = IsingDual(4, 2.2)
    half = targets.OneSector(theory, 3.0)
    x = torch.randn(6, 4, 4, generator=rng, dtype=torch.float64)
    both = torch.logaddexp(-half.action(x), -half.action(-x)) - math.log(2)
    assert torch.allclose(both, -theory.action(x), atol=1e-12)
    place = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(half.action(place).sum(), place)
    assert torch.allclose(half.force(x), -gradient, atol=1e-12)


def test_fields_turned_into_one_sector_have_its_law(rng):
    """For any g: <g(x)> over turned draws is <2 sigmoid(sharpness M) g> over draws; here with white noise as p."""
    half = targets.OneSector(Phi4(1.0, 0.0), 3.0)
    x = torch.randn(40000, 2, 2, generator=rng, dtype=torch.float64)
    m = x.mean((1, 2))
    found = mean(half.turned(x, rng=rng).mean((1, 2)))
    assert abs(found.pull(mean(2 * torch.sigmoid(3.0 * m) * m))) < 4


def test_the_albergo_convention_is_this_one(rng):
    """S_A = sum [phi (2d phi - neighbours) + mass2 phi^2 + coupling phi^4] on phi = phi_ours / sqrt 2, in d = 1, 2."""
    theory = targets.phi4_from_albergo(-4.0, 8.0)
    for shape, axes in (((5, 6), (1,)), ((5, 6, 6), (1, 2))):
        phi = torch.randn(shape, generator=rng, dtype=torch.float64)
        a = phi / math.sqrt(2)
        neighbours = sum(a.roll(1, axis) + a.roll(-1, axis) for axis in axes)
        density = a * (2 * len(axes) * a - neighbours) - 4.0 * a**2 + 8.0 * a**4
        assert torch.allclose(theory.action(phi), density.flatten(1).sum(1), atol=1e-11)


def test_log_cosh_does_not_overflow():
    x = torch.tensor([0.0, 0.5, -2.0, 400.0, -1e30], dtype=torch.float64)
    expected = [0, math.log(math.cosh(0.5)), math.log(math.cosh(2)), 400 - math.log(2), 1e30]
    assert log_cosh(x).tolist() == pytest.approx(expected, rel=1e-14)


def test_theories_that_do_not_exist_are_refused(rng):
    theory = IsingDual(4, 2.0)
    for call, text in (
        (lambda: IsingDual(1, 2.0), "L = 1"),
        (lambda: IsingDual(4, -2.0), "T = -2.0"),
        (lambda: IsingDual(4, 2.0, shift=0.0), "shift = 0.0"),
        (lambda: theory.action(torch.zeros(2, 8, 8)), "4 sites a side"),
        (lambda: exact.log_partition(IsingDual(4, 2.0, 3)), "beyond two dimensions"),
        (lambda: targets.OneSector(theory, 0.0), "sharpness"),
    ):
        with pytest.raises(ValueError, match=text):
            call()
    assert IsingDual(4, 2.0, 3).action(torch.zeros(2, 4, 4, 4)).tolist() == [0, 0]
