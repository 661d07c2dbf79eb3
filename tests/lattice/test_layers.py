"""Laws of a layer that pays a lattice action, and of filters that begin as fields."""

import math

import pytest
import torch

from fieldkit.estimates import Estimate, mean
from fieldkit.lattice import digits, exact_neuron, free, free_exact, layers
from tests.fakegpu import fake_gpu


@pytest.fixture(scope="module")
def data():
    rng = torch.Generator().manual_seed(1)
    images, labels, held, held_labels = digits.halves(rng=rng)
    return digits.whiten(images, like=images), labels, digits.whiten(held, like=images), held_labels


@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_a_constant_map_costs_half_mass_squared_a_site_whatever_the_batch(boundary):
    for shape in [(1, 1, 8, 8), (5, 3, 8, 8), (2, 4, 6, 9)]:
        cost = layers.lattice_action(torch.full(shape, 1.5, dtype=torch.float64), mass2=0.3, boundary=boundary)
        assert cost.item() == pytest.approx(0.5 * 0.3 * 1.5**2 * math.prod(shape[1:]), rel=1e-12)


@pytest.mark.parametrize(("boundary", "bonds"), [("periodic", 4), ("open", 4)])
def test_a_single_spike_stretches_each_of_its_bonds_once(boundary, bonds):
    maps = torch.zeros(1, 1, 5, 6, dtype=torch.float64)
    maps[..., 2, 2] = 1
    assert layers.lattice_action(maps, mass2=0.8, boundary=boundary).item() == pytest.approx(0.5 * bonds + 0.4)
    corner = torch.zeros_like(maps)
    corner[..., 0, 0] = 1
    bonds = 4 if boundary == "periodic" else 2
    assert layers.lattice_action(corner, mass2=0.8, boundary=boundary).item() == pytest.approx(0.5 * bonds + 0.4)


def test_the_action_of_one_channel_is_that_of_the_free_field():
    phi = torch.randn(4, 2, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    total = free.action(phi.reshape(8, 6, 6), mass2=0.5).sum() / 4
    assert torch.allclose(layers.lattice_action(phi, mass2=0.5), total)


def test_maps_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="feature maps are"):
        layers.lattice_action(torch.zeros(3, 8, 8), mass2=1.0)


def test_the_convolution_is_periodic_and_equals_the_sum():
    rng = torch.Generator().manual_seed(0)
    u, w = (torch.randn(s, generator=rng, dtype=torch.float64) for s in [(2, 5, 6), (3, 2, 3)])
    slow = sum(w[None, :, a, b, None, None] * u.roll((a, b), (1, 2))[:, None] for a in range(2) for b in range(3))
    assert torch.allclose(layers.convolve(u, w), slow, atol=1e-12)


def test_a_digit_has_no_mean_and_unit_spread_in_the_first_half():
    images, labels, held, held_labels = digits.halves(rng=torch.Generator().manual_seed(0))
    assert images.shape == (898, 8, 8) and held.shape == (899, 8, 8) and len(labels) + len(held_labels) == 1797
    assert images.mean(0).abs().max() < 1e-12 and images.std().item() == pytest.approx(1)


def test_whitened_images_have_a_flat_structure_factor(data):
    assert torch.allclose(free.structure_factor(data[0]).mean(0), torch.ones(8, 8, dtype=torch.float64))
    assert free.structure_factor(data[2]).mean(0).sub(1).abs().max() < 0.5


@pytest.mark.parametrize("m", [0.5, 1.0, 2.0])
def test_a_layer_in_a_source_learns_the_propagator(data, m):
    w = layers.train_in_source(data[0], mass2=m * m)
    assert torch.allclose(w[0], free_exact.propagator(8, 2, mass2=m * m), atol=1e-7)
    assert layers.filter_length(w).item() == pytest.approx(1 / m, rel=1e-6)


def test_it_learns_the_propagator_from_any_images():
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(20, 6, 6, generator=rng, dtype=torch.float64) ** 3
    w = layers.train_in_source(images, mass2=0.5, steps=400)
    assert torch.allclose(w[0], free_exact.propagator(6, 2, mass2=0.5), atol=1e-5)


@pytest.mark.parametrize("m", [0.5, 1.0])
def test_the_driven_field_has_the_length_of_its_closed_form(m):
    rng = torch.Generator().manual_seed(2)
    white = torch.randn(4000, 8, 8, generator=rng, dtype=torch.float64)
    G = free_exact.propagator(8, 2, mass2=m * m)[None]
    assert abs(layers.activation_length(white, G).pull(exact_neuron.driven_length(m, 8))) < 4
    ratio = layers.long_transfer(G)
    assert free.second_moment_length(ratio, 8).item() == pytest.approx(exact_neuron.driven_length(m, 8))
    assert abs(layers.wave_ratio(white, G).pull((ratio[0] / ratio[1]).item())) < 4


@pytest.mark.parametrize(
    ("m", "strength", "activation"), [(1.0, 0.01, torch.tanh), (0.5, 0.03, torch.nn.functional.softplus)]
)
def test_a_trained_classifier_obeys_the_equation_of_motion(data, m, strength, activation):
    u, labels = data[0][:300], data[1][:300]
    how = {"strength": strength, "activation": activation}
    rng = torch.Generator().manual_seed(0)
    w, readout = layers.train_classifier(u, labels, mass2=m * m, steps=40, settle=150, rng=rng, **how)
    p2, gamma, power = layers.equation_of_motion(u, labels, w, readout, **how)
    heavy = power > 1e-6 * power.max()
    assert torch.allclose(gamma[heavy], (p2 + m * m)[heavy], rtol=1e-3)
    assert torch.allclose(power, (torch.fft.fft2(w).abs().square().sum(0) * free.structure_factor(u).mean(0)))


def test_a_classifier_names_digits_it_has_not_seen(data):
    w, readout = layers.train_classifier(*data[:2], steps=40, rng=torch.Generator().manual_seed(0))
    assert layers.accuracy(w, readout, *data[2:]) > 0.85


@pytest.mark.parametrize(
    ("shape", "mass2", "eta"), [((1, 5, 5), 0.04, 0.25), ((2, 4, 6), 0.5, 0.0), ((1, 1, 7), 0.1, 0.25)]
)
def test_field_filters_have_the_exact_covariance(shape, mass2, eta):
    n, sites = 20000, shape[1] * shape[2]
    rng = torch.Generator().manual_seed(4)
    filters = layers.field_filters((n // shape[0], *shape), mass2=mass2, eta=eta, gain=2.0, rng=rng)
    flat = filters.reshape(n, sites)
    exact = exact_neuron.window_covariance(*shape[1:], mass2=mass2, eta=eta) * 2 / (shape[0] * sites)
    error = torch.sqrt((exact.square() + exact.diagonal()[:, None] * exact.diagonal()) / n)  # Wick
    pulls = ((flat.T @ flat / n - exact) / error)[torch.triu_indices(sites, sites).unbind()]
    assert pulls.abs().max() < 5.5 and pulls.square().mean() < 2
    assert abs(mean(flat.square().sum(1)).pull(2.0 / shape[0])) < 4


def test_without_eta_the_filters_are_free_fields_with_free_ends():
    exact = exact_neuron.window_covariance(4, 4, mass2=0.3)
    G = free_exact.open_propagator(4, 2, mass2=0.3)
    assert torch.allclose(exact, G / G.diagonal().mean(), atol=1e-12)


def test_infinite_mass_gives_white_filters():
    assert torch.allclose(exact_neuron.window_covariance(3, 3, mass2=1e9), torch.eye(9, dtype=torch.float64), atol=1e-8)


def test_no_filter_repeats_another_and_none_has_rank_one():
    filters = layers.field_filters((25, 1, 5, 5), mass2=0.04, eta=0.25, rng=torch.Generator().manual_seed(0))[:, 0]
    assert torch.linalg.matrix_rank(filters.reshape(25, 25)) == 25
    assert (torch.linalg.matrix_rank(filters) == 5).all()


def test_different_filters_are_independent():
    pairs = layers.field_filters((8000, 2, 3, 3), mass2=0.1, rng=torch.Generator().manual_seed(0)) * math.sqrt(18)
    assert abs(mean(pairs[:, 0, 1, 1] * pairs[:, 1, 1, 1]).pull(0.0)) < 4
    assert abs(mean(pairs[::2, 0, 1, 1] * pairs[1::2, 0, 1, 1]).pull(0.0)) < 4


@pytest.mark.parametrize("wrong", [{"mass2": 0.0}, {"mass2": 0.1, "eta": 2.0}, {"mass2": 0.1, "eta": -0.1}])
def test_filters_without_a_normalisable_covariance_are_refused(wrong):
    with pytest.raises(ValueError, match="mass2 > 0"):
        layers.field_filters((1, 1, 3, 3), rng=torch.Generator(), **wrong)


def test_a_head_start_is_a_table_of_accuracies(data):
    images, labels, held, held_labels = data
    table = layers.head_start(
        images[:200], labels[:200], held, held_labels, repeats=2, rng=torch.Generator().manual_seed(0)
    )
    assert table.shape == (2, len(layers.STARTS)) and table.min() > 0.3
    assert isinstance(mean(table), Estimate)


def test_filters_and_the_action_stay_on_the_device():
    with fake_gpu() as rng:
        filters = layers.field_filters((4, 1, 5, 5), mass2=0.04, eta=0.25, rng=rng)[:, 0]
        images = torch.randn(3, 8, 8, generator=rng, device=rng.device, dtype=torch.float64)
        cost = layers.lattice_action(layers.convolve(images, filters), mass2=1.0, boundary="open")
        assert cost.device == rng.device


def test_whole_numbers_are_pictures_and_filters_fit_them():
    images, filters = [[[1, 2], [3, 4]]], [[[2, 0], [0, 0]]]
    assert torch.equal(layers.convolve(images, filters)[0, 0], 2.0 * torch.tensor(images[0], dtype=torch.float64))
    with pytest.raises(ValueError, match="k <= H"):
        layers.convolve(torch.ones(1, 2, 2), torch.ones(1, 3, 3))
    with pytest.raises(ValueError, match="gain"):
        layers.field_filters((1, 1, 3, 3), mass2=1.0, gain=-1.0, rng=torch.Generator())
