"""Couplings: planted ones are found, impossible ones are refused, and the integrals are the integrals."""

import itertools
import math

import pytest
import torch

from fieldkit.nnft import action, correlators, ensembles, exact, neurons, wick
from fieldkit.nnft.ensembles import Ensemble

LINE = torch.tensor([[0.2], [0.4], [0.6], [0.8], [1.0], [1.2]], dtype=torch.float64)


def test_a_box_integrates_polynomials_and_kinks():
    for d in (1, 2):
        box = action.box(2.0, d, panels=3, n=8)
        y = box.nodes[:, 0]
        assert torch.isclose((box.weights * y**2).sum(), torch.tensor(16 / 3 * 4.0 ** (d - 1), dtype=torch.float64))
        assert torch.isclose((box.weights * y.abs()).sum(), torch.tensor(4 * 4.0 ** (d - 1), dtype=torch.float64))


def test_the_local_vertex_of_a_gauss_network_is_a_gaussian_integral():
    """int prod exp(-(x_a - y)^2 / 2) dy = sqrt(2 pi / 4) exp(-sum x^2 / 2 + (sum x)^2 / 8) on the whole line."""
    network = Ensemble(neurons.gauss, (7,), sb2=1.0)
    found = action.local(network, LINE, action.box(30.0, 1))
    x = LINE[:, 0][wick.tuples(6, 4)]
    exactly = -24 * math.sqrt(math.pi / 2) * torch.exp(-x.square().sum(1) / 2 + x.sum(1).square() / 8)
    assert torch.allclose(found, exactly, rtol=1e-12)


def test_the_bilocal_vertex_is_a_product_of_two_integrals():
    network, x, box = Ensemble(neurons.erf, (7,), sb2=0.5), LINE[:3], action.box(3.0, 1)
    found = wick.symmetric(action.bilocal(network, x, box), 3, 4)
    K = action.legs(network, x, box)
    I = torch.einsum("ak,bk,k->ab", K, K, box.weights)
    assert torch.isclose(found[0, 1, 2, 2], -8 * (I[0, 1] * I[2, 2] + 2 * I[0, 2] * I[1, 2]), rtol=1e-12)


@pytest.mark.parametrize("d", [1, 2])
def test_the_relu_coupling_scales_by_counting_dimensions(d):
    """The kernel without bias is homogeneous of degree one in y: lambda ~ Lambda^-(d + 4), whatever is measured."""
    network = Ensemble(neurons.relu, (20,))
    x = LINE[2:5] if d == 1 else torch.cat([LINE[2:5], LINE[:3]], 1)
    four = exact.four_point(network, x)
    size = [action.coupling(four, action.local(network, x, action.box(L, d, panels=4))) for L in (3.0, 30.0)]
    slope = (size[1] / size[0]).log() / math.log(10)
    assert torch.allclose(slope, torch.full_like(slope, -(d + 4.0)), atol=1e-9)


def test_relu_on_a_line_is_a_theory_of_rank_one():
    """d = 1, no bias: f(x) = x f(1), so every tuple gives the same coupling, -12.5 / N Lambda^5, and proves nothing."""
    network = Ensemble(neurons.relu, (20,))
    found = action.coupling(exact.four_point(network, LINE), action.local(network, LINE, action.box(7.0, 1)))
    assert torch.allclose(found * 20 * 7.0**5, torch.full_like(found, -12.5), rtol=1e-12)
    with pytest.raises(ValueError, match="condition number"):
        action.amputate(exact.four_point(network, LINE), exact.two_point(network, LINE))


def test_one_coupling_fits_small_inputs_and_fails_for_large_ones():
    """Relative spread of the local coupling over tuples: 0.02 % at inputs of 0.01, more than 100 % at inputs of 1."""
    network, box, spread = Ensemble(neurons.erf, (5,), sb2=1.0), action.box(100.0, 1), {}
    for scale in (0.01, 1.0):
        x = scale * LINE
        each = action.coupling(exact.four_point(network, x), action.local(network, x, box))
        spread[scale] = float(each.std() / each.mean().abs())
    assert spread[0.01] < 3e-4 and spread[1.0] > 1


def test_planted_couplings_are_found():
    network, box = Ensemble(neurons.gauss, (7,), sb2=0.5), action.box(8.0, 1)
    units = [action.local(network, LINE, box), action.local(network, LINE, box, power=2.0)]
    units.append(action.bilocal(network, LINE, box))
    truth = torch.tensor([-0.3, 0.05, -0.02], dtype=torch.float64)
    rng = torch.Generator().manual_seed(1)
    noise = torch.randn(126, 300, generator=rng, dtype=torch.float64)
    scale = 1e-3 * units[0].abs().mean()
    covariance = scale**2 * (noise @ noise.T / 300 + torch.eye(126, dtype=torch.float64))
    drawn = torch.linalg.cholesky(covariance) @ torch.randn(126, generator=rng, dtype=torch.float64)
    fit = action.fit(truth @ torch.stack(units) + drawn, covariance, *units)
    assert all(abs(fit.estimate(i).pull(truth[i].item())) < 4 for i in range(3))
    assert fit.dof == 123 and abs(fit.chi2 - 123) < 4 * math.sqrt(2 * 123)
    assert action.condition(covariance, *units) < 1e4


def test_the_condition_sees_couplings_that_cannot_be_told_apart():
    one = torch.eye(4, dtype=torch.float64)
    a, b = torch.tensor([1.0, 1, 0, 0], dtype=torch.float64), torch.tensor([0, 0, 1.0, 1], dtype=torch.float64)
    assert action.condition(one, a, 1e6 * b) == pytest.approx(1)  # units do not matter
    assert action.condition(one, a, a + 1e-6 * b) > 1e5


def test_measured_directions_keep_what_is_measured():
    rng = torch.Generator().manual_seed(2)
    modes = torch.randn(10, 3, generator=rng, dtype=torch.float64)
    covariance = modes @ modes.T + 1e-12 * torch.eye(10, dtype=torch.float64)
    P = action.directions(covariance)
    assert P.shape == (3, 10)
    assert torch.allclose(P @ P.T, torch.eye(3, dtype=torch.float64), atol=1e-12)
    value = modes @ torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64)
    small, seen = action.project(P, covariance, value)
    exact_chi2 = 6.0  # 1 + 4 + 1: the modes are independent, of variance one
    assert float(seen @ torch.linalg.solve(small, seen)) == pytest.approx(exact_chi2, rel=1e-6)


def test_chi2_with_an_estimated_covariance_is_hotellings():
    n_chunks, k, rng = 40, 8, torch.Generator().manual_seed(3)
    samples = torch.randn(4000, n_chunks, k, generator=rng, dtype=torch.float64)
    centred = samples - samples.mean(1, keepdim=True)
    covariance = centred.mT @ centred / (n_chunks - 1) / n_chunks
    mean = samples.mean(1)
    T2 = torch.einsum("ni,nij,nj->n", mean, torch.linalg.inv(covariance), mean)
    law = action.chi2_law(k, n_chunks)
    assert abs(T2.mean() - law.value) < 4 * law.error / 4000**0.5
    assert abs(T2.std() / law.error - 1) < 0.1


def test_the_exact_theory_passes_its_own_fit_and_a_constant_does_not():
    """Three well separated inputs, measured once: chi^2 of the exact four-point function, and of the best constant."""
    network = Ensemble(neurons.erf, (5,), sb2=0.2)
    x = torch.tensor([[-1.5], [0.4], [1.5]], dtype=torch.float64)
    found = correlators.integrated(network, x, 200_000, points=4, rng=torch.Generator().manual_seed(4))
    values, covariance = found.covariance(lambda two, four: four)
    residual = values - exact.four_point(network, x)
    law = action.chi2_law(15, 100)
    assert abs(float(residual @ torch.linalg.solve(covariance, residual)) - law.value) < 4 * law.error
    constant = action.fit(values, covariance, action.local(network, x, action.box(20.0, 1)))
    assert constant.chi2 > 100 * constant.dof


def test_an_amputated_vertex_gives_its_four_point_function_back():
    network = Ensemble(neurons.erf, (5,), sb2=0.2)
    x = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=2)), dtype=torch.float64) + 0.1
    two, four = exact.two_point(network, x), exact.four_point(network, x)
    vertex = action.amputate(four, two)
    back = -24 * torch.einsum("ijkl,ai,bj,ck,dl->abcd", vertex, two, two, two, two)
    assert torch.allclose(back, wick.symmetric(four, 4, 4), rtol=1e-9, atol=1e-12)


def test_a_local_theory_on_points_has_a_diagonal_vertex():
    network = Ensemble(neurons.gauss, (5,))
    x = torch.tensor([[-1.0], [0.3], [2.0]], dtype=torch.float64)
    vertex = action.amputate(0.7 * action.local(network, x, action.points(x)), ensembles.kernel(network, x))
    diagonal = torch.zeros(3, 3, 3, 3, dtype=torch.float64)
    diagonal[range(3), range(3), range(3), range(3)] = 0.7
    assert torch.allclose(vertex, diagonal, atol=1e-9)


def test_six_points_are_predicted_up_to_the_connected_ones():
    network = Ensemble(neurons.relu, (20,))
    x = torch.tensor([[1.0]], dtype=torch.float64)
    two, four, six = exact.two_point(network, x), exact.four_point(network, x), exact.six_point(network, x)
    full = wick.six_from_connected(two, four, six)
    predicted = action.predict_six(two, four)
    # E f^6 / 15 K^3 = 1 + 15/N + 44/N^2: the prediction has the first two terms and misses the last
    assert float(full / (15 * two[0, 0] ** 3)) == pytest.approx(1 + 15 / 20 + 44 / 400, rel=1e-13)
    assert float(predicted / full) == pytest.approx((1 + 15 / 20) / (1 + 15 / 20 + 44 / 400), rel=1e-13)


def test_a_singular_covariance_is_fitted_in_what_it_measures():
    """ReLU on a half-line: one degree of freedom, lambda = -12.5 / (N L^5), from K = x y / 2 by hand."""
    network, x = Ensemble(neurons.relu, (20,)), torch.tensor([[0.3], [1.0], [2.0]], dtype=torch.float64)
    found = correlators.integrated(network, x, 40_000, points=4, rng=torch.Generator().manual_seed(4))
    unit = action.local(network, x, action.box(10.0, 1))
    fit, rank = action.fit_measured(*found.covariance(lambda two, four: four), unit)
    assert rank == 1 and fit.dof == 0
    assert abs(fit.estimate(0).pull(-12.5 / 20 / 10**5)) < 4
    assert float(action.misfit(exact.four_point(network, x), unit)) < 1e-12


def test_a_misfit_is_the_sine_of_an_angle():
    a, b = torch.tensor([1.0, 0.0, 2.0]).double(), torch.tensor([0.0, 3.0, 0.0]).double()
    assert float(action.misfit(3 * a + 4 * b, a)) == pytest.approx(12 / (144 + 45) ** 0.5)
    assert float(action.misfit(3 * a + 4 * b, a, b)) < 1e-14


def test_student_errors():
    with pytest.raises(ValueError, match="cutoff = 0"):
        action.box(0.0, 1)
    with pytest.raises(ValueError, match="at least 15 chunks"):
        action.chi2_law(10, 12)
