"""Depth, cutoffs, ridges and spectra: what of the renormalisation group is there in networks."""

import math

import pytest
import torch

from fieldkit.nnft import exact, neurons, wick
from fieldkit.nnft.ensembles import Ensemble
from fieldkit.propagation import activations, training
from fieldkit.rg import cutoff, depth, marchenko_pastur, monitor, running_ridge, spectra
from tests.golden import entries

GOLDEN = {entry["name"]: entry["value"] for entry in entries("rg")}
ONE = torch.ones(1, 1, dtype=torch.float64)


@pytest.mark.parametrize(
    "activation, layer, K, vertex",  # numpy, trapezoid rule of the same recursion; closed form for sine
    [
        (torch.tanh, 11, 0.052200082787, 6.15915811901),
        (torch.sin, 11, 0.0841827665883, 6.56588138363),
        (activations.erf, 101, 0.0050156321482, 65.7621578303),
        (activations.relu, 51, 1.0, 250.0),
        (activations.linear, 101, 1.0, 200.0),
    ],
)
def test_running_couplings_from_independent_values(activation, layer, K, vertex):
    kernels, vertices = depth.running(activation, layer)
    assert float(kernels[-1]) == pytest.approx(K, rel=1e-10)
    assert float(vertices[-1]) == pytest.approx(vertex, rel=1e-10)


def test_activations_fall_into_classes():
    """Two thirds of a layer for everything that dies at the origin; 2 and 5 without scale."""
    for activation in (activations.erf, activations.sin):
        assert depth.vertex_slope(activation) == 2 / 3
        kernels, vertices = depth.running(activation, 401)
        assert float(vertices[-1] / 401) == pytest.approx(2 / 3, rel=0.01)
        assert float(401 * kernels[-1]) == pytest.approx(depth.kernel_amplitude(activation), rel=0.02)
        assert depth.twin_exponent(activation) == pytest.approx(1, abs=1e-12)
    for activation, slope in ((activations.relu, 5), (activations.linear, 2)):
        assert depth.vertex_slope(activation) == pytest.approx(slope, abs=1e-12)
        assert math.isinf(depth.kernel_amplitude(activation))
    assert depth.critical_sw2(activations.relu) == pytest.approx(2)
    assert depth.critical_sw2(activations.erf) == pytest.approx(math.pi / 4)
    with pytest.raises(ValueError, match="phi"):
        depth.critical_sw2(torch.sigmoid)


def test_two_thirds_needs_the_critical_line():
    """In the ordered phase the kernel dies so fast that the network becomes a linear one: 2 a layer."""
    off = depth.running(activations.erf, 100, sw2=0.5)[1]
    assert float(off[-1] - off[-2]) == pytest.approx(depth.vertex_slope(activations.linear), abs=1e-9)


def test_drawn_networks_have_the_vertex_of_the_recursion():
    rng = torch.Generator().manual_seed(1)
    found = depth.measured_vertex(torch.tanh, [6], width=200, n=4000, sw2=1.0, rng=rng)[0]
    theory = float(depth.running(torch.tanh, 6)[1][-1])
    assert abs(found.value - theory) < 4 * found.error + theory * 6 / 200  # the next order in depth over width


def test_two_widths_give_the_vertex_of_a_wide_network():
    """Seven layers of ReLU: 30, where 64 neurons have n times an excess of (1 + 5/64)^6 - 1, that is 36.5."""
    rng = torch.Generator().manual_seed(11)
    found = depth.wide_vertex(torch.relu, [3, 7], widths=(64, 192), n=4000, sw2=2.0, rng=rng)
    assert all(abs(e.pull(truth)) < 4 for e, truth in zip(found, (10.0, 30.0)))
    assert found[1].error < 3
    with pytest.raises(ValueError, match="as many values as parameters"):
        depth.wide_vertex(torch.relu, [3], widths=(64,), n=100, sw2=2.0, rng=rng)


def test_the_growth_of_perturbations_is_measured_on_weights():
    rng = torch.Generator().manual_seed(2)
    x = torch.randn(300, 64, generator=rng)
    for sw2, sb2 in ((1.4, 0.05), (3.0, 0.05)):
        drawn = training.draw(sw2, sb2, 12, n=6, width=200, rng=rng)
        measured = monitor.log_chi(drawn, x)
        assert measured.shape == (6, 11)
        late = measured[:, 6:].mean()
        assert float(late) == pytest.approx(float(monitor.theory(sw2, sb2, activation=torch.tanh)), abs=0.03)
    linear = monitor.log_chi(drawn, x, activation=activations.linear)
    size = drawn["hidden"].double().square().sum((2, 3)).T / 200
    assert torch.allclose(linear, size.log())
    assert float(monitor.correlation_length(torch.tensor(-0.5))) == pytest.approx(2.0)


def test_the_index_of_weights_does_not_know_the_phase():
    """std / mean of mean |W| is the same for W and aW, though one is ordered and the other chaotic."""
    rng = torch.Generator().manual_seed(3)
    drawn = training.draw(1.0, 0.05, 10, n=2, rng=rng)
    loud = {**drawn, "hidden": 3 * drawn["hidden"]}
    assert torch.allclose(monitor.weight_index(drawn), monitor.weight_index(loud), rtol=1e-5)
    x = torch.randn(50, 64, generator=rng)
    assert float((monitor.log_chi(loud, x) - monitor.log_chi(drawn, x)).mean()) > 0.5


def test_all_layers_of_relu_gain_alike():
    """The scaling symmetry, to a multiple of the rate; tanh, which has none, is far off."""
    rng = torch.Generator().manual_seed(12)
    x, labels = torch.randn(200, 16, generator=rng), torch.randint(3, (200,), generator=rng)

    def missed(activation, rate):
        begun = training.draw(2.0, 0.0, 3, n=6, d=16, width=24, n_classes=3, rng=rng)
        done, _ = training.train(
            begun, x, labels, n_steps=round(1 / rate), rate=rate, rule=training.plain, activation=activation, rng=rng
        )
        return float((monitor.gains(begun, done) - 1).mean(1).abs().max())

    assert missed(torch.relu, 0.01) < 0.03 and missed(torch.relu, 0.0025) < 0.01
    assert missed(torch.tanh, 0.01) > 0.1


def test_a_network_is_pushed_back_to_the_critical_line():
    rng = torch.Generator().manual_seed(13)
    x = torch.randn(100, 64, generator=rng)
    loud = training.draw(3.0, 0.05, 6, n=3, rng=rng)
    for _ in range(30):
        loud = monitor.held(loud, x)
    assert float(monitor.log_chi(loud, x).abs().max()) < 0.01


def test_luck_is_that_of_groups_and_not_of_their_members():
    rng = torch.Generator().manual_seed(14)
    groups = torch.arange(4).repeat_interleave(50)
    score = torch.tensor([1.0, 2.0, 3.0, 4.0])
    seen, p = monitor.luck(score, score[groups] + 0.01 * torch.randn(200, generator=rng), groups, n=2000, rng=rng)
    assert seen > 0.9 and p == pytest.approx(2 / 24, abs=0.03)  # two of 24 orders are monotone


def test_a_planted_direction_lies_where_theory_says():
    place, overlap = spectra.planted(150, 2.0, 60, rng=torch.Generator().manual_seed(15))
    assert float(place.mean()) == pytest.approx(marchenko_pastur.spike(2.0), abs=0.04)
    assert float(overlap.mean()) == pytest.approx(marchenko_pastur.overlap(2.0)[0], abs=0.03)


@pytest.mark.parametrize(
    "neuron, sb2, Lambda, slope",  # mpmath quadrature of the kernels, to 1e-8
    [
        (neurons.relu, 1.0, 7.0, -4.4791548311871626045),
        (neurons.relu, 1.0, 1000.0, -4.9964880266821135388),
        (neurons.erf, 1.0, 10.0, -0.83155942362256928519),
        (neurons.erf, 0.0, 3.0, -1.7550796215360200067),
        (neurons.gauss, 0.0, 1.0, -1.5964055628020767381),
    ],
)
def test_the_coupling_runs_as_the_kernel_says(neuron, sb2, Lambda, slope):
    ensemble = Ensemble(neuron, (20,), 1.0, sb2)
    assert cutoff.slope(ensemble, ONE, Lambda) == pytest.approx(slope, abs=2e-8)
    near = cutoff.couplings(ensemble, ONE, [Lambda / 1.001, Lambda * 1.001]).abs().log()
    assert float(near.diff() / (2 * math.log(1.001))) == pytest.approx(slope, abs=1e-4)


def test_the_dimension_of_the_coupling_is_a_property_of_the_kernel_far_out():
    relu = Ensemble(neurons.relu, (20,), 1.0, 0.0)
    assert cutoff.slope(relu, ONE, 3.0) == pytest.approx(cutoff.dimension(1, growth=1), abs=1e-10)
    plane = torch.tensor([[0.3, 0.4]], dtype=torch.float64)
    assert cutoff.slope(relu, plane, 5.0) == pytest.approx(cutoff.dimension(2, growth=1), abs=1e-6)
    # by hand: G4c = 15/4 / N and int K^4 = (1/2)^4 Lambda^5 / 5
    assert 20 * 3**5 * cutoff.coupling(relu, ONE, 3.0) == pytest.approx(-12.5, rel=1e-10)
    erf = Ensemble(neurons.erf, (20,), 1.0, 1.0)
    assert cutoff.slope(erf, ONE, 1e4) == pytest.approx(cutoff.dimension(1, growth=0), abs=1e-3)
    assert cutoff.dimension(3, growth=None) == 0


def test_a_prediction_is_flat_because_the_coupling_runs():
    relu = Ensemble(neurons.relu, (1000,), 1.0, 0.0)
    x = torch.tensor([[0.6], [1.0], [1.4]], dtype=torch.float64)
    cutoffs = [4.0, 16.0, 64.0]
    running = [cutoff.six_point(relu, x, c, cutoff.coupling(relu, x, c)) for c in cutoffs]
    assert torch.allclose(running[0], running[2], rtol=1e-9)
    frozen = [cutoff.six_point(relu, x, c, cutoff.coupling(relu, x, cutoffs[0])) for c in cutoffs]
    assert float(frozen[1][0] / frozen[0][0]) > 3
    truth = cutoff.six_point_exact(relu, x)
    assert float((running[1] / truth - 1).abs().max()) < 0.01


def test_no_local_vertex_makes_opposite_sides_of_relu_talk():
    relu = Ensemble(neurons.relu, (20,), 1.0, 0.0)
    x = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    index = torch.tensor([[0, 0, 1, 1]])
    assert 20 * float(exact.four_point(relu, x, index)) == pytest.approx(-0.25, abs=1e-12)
    made = cutoff.four_point(relu, x, 5.0, cutoff.coupling(relu, x, 5.0))
    assert float(made[wick.place(index, 2)]) == pytest.approx(0, abs=1e-12)


LAMBDA = torch.arange(1, 1501, dtype=torch.float64) ** -1.5
TARGET = torch.where(torch.arange(1500) < 20, 1 / torch.arange(1, 1501, dtype=torch.float64), 0.0)


def test_the_ridge_runs_and_the_bare_one_does_not_do():
    draws = running_ridge.compare(
        LAMBDA, TARGET, ridge=0.05, cut=120, n=120, n_draws=12, rng=torch.Generator().manual_seed(5)
    )
    change, error = draws.running - draws.full, draws.full.mean()
    assert abs(float(change.mean())) < 0.15 * float(error)
    assert float(draws.bare.mean()) < 0.6 * float(error)


def test_the_flow_of_the_ridge_composes():
    ridge = running_ridge.ridge_at(LAMBDA, 0.05, 700)
    assert running_ridge.ridge_at(LAMBDA[:700], ridge, 50) == pytest.approx(running_ridge.ridge_at(LAMBDA, 0.05, 50))
    slope = (running_ridge.ridge_at(LAMBDA, 0.05, 200) - running_ridge.ridge_at(LAMBDA, 0.05, 199)) / math.log(
        200 / 199
    )
    assert slope == pytest.approx(float(running_ridge.beta(LAMBDA)[199]), rel=0.01)
    kappa = running_ridge.self_consistent(LAMBDA, 0.05, 1)
    assert kappa == pytest.approx(0.05 + float((kappa * LAMBDA / (kappa + LAMBDA)).sum()))
    assert running_ridge.self_consistent(LAMBDA[500:], 0.05, 10) == pytest.approx(
        running_ridge.ridge_at(LAMBDA, 0.05, 500), rel=0.01
    )


def test_the_learning_curve_is_the_mean_of_many_regressions():
    draws = running_ridge.compare(
        LAMBDA, TARGET, ridge=0.05, cut=1500, n=120, n_draws=24, rng=torch.Generator().manual_seed(7)
    )
    theory = running_ridge.learning_curve(LAMBDA, TARGET, ridge=0.05, n=120)
    assert abs(float(draws.full.mean()) - theory) < 4 * float(draws.full.std()) / 24**0.5 + 0.02 * theory


def test_a_regression_is_the_minimum_of_its_cost():
    rng = torch.Generator().manual_seed(8)
    P, y = torch.randn(6, 9, generator=rng).double(), torch.randn(6, generator=rng).double()
    w = running_ridge.solve(P, LAMBDA[:9], 0.3, y)
    assert torch.allclose(P.T @ (y - P @ w) / 0.3, w / LAMBDA[:9], atol=1e-12)


@pytest.mark.parametrize("beta", [0.2, 0.5, 1.0])
def test_marchenko_and_pastur(beta):
    a, b = marchenko_pastur.edges(beta)
    x = torch.linspace(a, b, 200001, dtype=torch.float64)[1:-1]
    density = marchenko_pastur.density(x, beta)
    assert float(torch.trapezoid(density * x, x)) == pytest.approx(1, abs=1e-3)
    assert marchenko_pastur.cumulative(marchenko_pastur.median(beta), beta) == pytest.approx(0.5, abs=1e-12)
    middle = (a + b) / 2
    below = x < middle
    part = float(torch.trapezoid(density[below] * x[below], x[below]))
    assert 0 < part < 1 and 0 < marchenko_pastur.cumulative(middle, beta) < 1
    step = (marchenko_pastur.cumulative(middle + 1e-5, beta) - marchenko_pastur.cumulative(middle - 1e-5, beta)) / 2e-5
    assert step == pytest.approx(float(marchenko_pastur.density(torch.tensor(middle), beta)), rel=1e-5)


def test_known_numbers_of_noise_and_spikes():
    assert marchenko_pastur.median(1.0) == pytest.approx(0.65277594163357036932, abs=1e-14)  # mpmath
    assert marchenko_pastur.optimal_threshold(1.0) == pytest.approx(4 / 3**0.5, rel=1e-14)
    assert marchenko_pastur.optimal_threshold(1.0, known=False) == pytest.approx(2.858, abs=1e-3)  # Gavish, Donoho 2014
    assert marchenko_pastur.spike(1.2) == pytest.approx(1.2 + 1 / 1.2)
    assert marchenko_pastur.overlap(1.2) == pytest.approx((1 - 1.2**-2,) * 2)
    assert marchenko_pastur.spike(0.9) == 2 and marchenko_pastur.overlap(0.9) == (0.0, 0.0)


@pytest.mark.parametrize("shape", [(300, 300), (400, 150)])
def test_a_planted_direction_is_found_above_the_edge(shape):
    rng = torch.Generator().manual_seed(9)
    n, m = shape
    u = torch.nn.functional.normalize(torch.randn(n, generator=rng).double(), dim=0)
    v = torch.nn.functional.normalize(torch.randn(m, generator=rng).double(), dim=0)
    W = 0.3 * (torch.randn(shape, generator=rng).double() + 2.5 * n**0.5 * torch.outer(u, v))
    assert float(spectra.noise(W)) == pytest.approx(0.3, rel=0.02)
    assert int(spectra.n_spikes(W, tracy_widom=2.02)) == 1
    s = torch.linalg.svdvals(W)
    assert float(s[0]) == pytest.approx(0.3 * n**0.5 * marchenko_pastur.spike(2.5, m / n), rel=0.03)
    U, _, Vh = torch.linalg.svd(W, full_matrices=False)
    found = float((U[:, 0] @ u) ** 2), float((Vh[0] @ v) ** 2)
    assert found == pytest.approx(marchenko_pastur.overlap(2.5, m / n), abs=0.04)


def test_two_ways_to_prune_store_what_they_say():
    rng = torch.Generator().manual_seed(10)
    W = torch.randn(2, 12, 8, generator=rng)
    assert torch.linalg.matrix_rank(spectra.truncated(W, 3)).tolist() == [3, 3]
    assert spectra.numbers(W, 3) == 60
    kept = spectra.largest_entries(W, 60)
    assert (kept != 0).flatten(1).sum(1).tolist() == [60, 60]
    assert float(kept[kept != 0].abs().min()) >= float(W[kept == 0].abs().min())
    assert torch.allclose(spectra.truncated(W, 3) + spectra.bulk(W, 3), W, atol=1e-6)
    for rank in (1, 3):
        lost = torch.linalg.svdvals(W)[:, rank:].square().sum(1)
        assert torch.allclose((W - spectra.truncated(W, rank)).square().sum((1, 2)), lost, rtol=1e-4)


@pytest.mark.skipif(not GOLDEN, reason="the independent values are not in a public clone")
def test_slopes_equal_every_independent_value():
    names = {"relu.sb1": (neurons.relu, 1.0), "erf.sb1": (neurons.erf, 1.0), "erf.sb0": (neurons.erf, 0.0)}
    found = 0
    for name, value in GOLDEN.items():
        for label, (neuron, sb2) in names.items():
            if name.startswith(f"nnqft.d1.{label}.dln"):
                Lambda = float(name.split("Lambda=")[1].rstrip(")"))
                slope = cutoff.slope(Ensemble(neuron, (20,), 1.0, sb2), ONE, Lambda)
                assert slope == pytest.approx(float(value), abs=2e-8)
                found += 1
    assert found >= 10
