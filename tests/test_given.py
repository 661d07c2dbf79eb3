"""What is refused at the door, and in which words."""

import math

import numpy as np
import pytest
import torch

from fieldkit import fits, given
from fieldkit.estimates import Estimate
from fieldkit.lattice import (
    acceleration,
    clusters,
    continuum,
    dynamics,
    embedded,
    free,
    free_exact,
    hmc,
    interpolation,
    ising,
    markov,
    neuron,
    oscillator,
    phi4,
    slowing_exact,
    small_lattices,
)

THEORY = phi4.Phi4(-1.0, 0.5)


@pytest.mark.parametrize("number", [2.5, "8", None, True, torch.tensor(3)])
def test_what_is_counted_is_whole(number):
    with pytest.raises(TypeError, match=r"^L = .*: a lattice has sites; give a whole number, 1 or more\.$"):
        given.whole("L", number, least=1, why="a lattice has sites")


def test_a_count_that_is_too_small_is_told_the_least():
    with pytest.raises(ValueError, match=r"^L = 0: a lattice has sites; choose 1 or more\.$"):
        given.whole("L", 0, least=1, why="a lattice has sites")
    given.whole("L", torch.zeros(3).numpy().shape[0], least=3, why="a lattice has sites")


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf")])
def test_a_positive_quantity_is_positive_and_finite(value):
    with pytest.raises(ValueError, match="choose beta > 0, finite"):
        given.positive("beta", value, why="a temperature")
    with pytest.raises(TypeError, match="plain number"):
        given.positive("beta", str(value), why="a temperature")


def test_yes_and_no_are_no_quantities():
    with pytest.raises(TypeError, match="beta = True: a temperature; give a plain number"):
        given.positive("beta", True, why="a temperature")
    given.positive("beta", np.float32(0.5), why="a temperature")


def test_everything_that_is_no_tensor_is_read_in_double_precision():
    big = 2**24 + 1  # the first whole number that float32 does not have
    for values in (
        [big], (big,), [float(big)], big, np.array([big]), np.array([big], dtype=np.int32), np.array([big], ">f8"),
        np.array([big], np.longdouble), [np.array([big])], [torch.tensor(big)], [[torch.tensor(big), 0]], np.int64(big),
        range(big, big + 1),
    ):  # fmt: skip
        x = given.numbers(values)
        assert x.dtype == torch.float64 and x.flatten()[0] == big
    assert given.numbers([True, False]).tolist() == [1.0, 0.0]
    assert given.numbers([0.1]).item() == given.numbers(np.float64(0.1)).item() == 0.1
    for x in (torch.ones(2), torch.ones(2, dtype=torch.int8), torch.ones(2, dtype=torch.bool)):
        assert given.numbers(x) is x  # a tensor is what it is
    for kind in (np.float16, np.float32, np.float64):
        assert given.numbers(np.ones(2, kind)).dtype == torch.from_numpy(np.ones(2, kind)).dtype
    assert given.doubles(np.ones(2, np.float32)).dtype == given.doubles(torch.ones(2)).dtype == torch.float64


def test_views_of_arrays_and_lists_of_tensors_are_read_too(recwarn):
    x = np.arange(6.0).reshape(2, 3)
    read_only = np.broadcast_to(np.ones(1), (3,))
    assert given.numbers(x[::-1, ::-1]).tolist() == x[::-1, ::-1].tolist()
    assert given.numbers(read_only).tolist() == [1, 1, 1] and len(recwarn) == 0
    a = torch.tensor(2.0, requires_grad=True)
    given.numbers([a, a * a]).sum().backward()
    assert a.grad == 1 + 2 * 2


@pytest.mark.parametrize(
    "wrong",
    [None, "1", ["1"], [None], [1 + 2j], 1j, np.array([1j]), np.array(["1"]), np.array([1, None]), {1: 2}, {1},
     object(), [[1, 2], [3]], [1, [2]], 10**400, torch.ones(2) * 1j, iter([1.0])],
)  # fmt: skip
def test_what_are_no_real_numbers_is_refused(wrong):
    with pytest.raises(TypeError, match="real numbers"):
        given.numbers(wrong)


SIZES = {  # every sampler and exact result, asked for a number of things that nobody can count
    "sites": lambda k, rng: free.momentum_squared(k, 2),
    "dimensions": lambda k, rng: free_exact.propagator(4, k, mass2=1.0),
    "open modes": lambda k, rng: free.open_modes(k),
    "open lattice": lambda k, rng: free_exact.open_propagator(k, 2, mass2=1.0),
    "matrix": lambda k, rng: free.matrix(k, 2, mass2=1.0),
    "fields": lambda k, rng: free.sample(k, 4, 2, mass2=1.0, rng=rng),
    "side of fields": lambda k, rng: free.sample(3, k, 2, mass2=1.0, rng=rng),
    "chains": lambda k, rng: markov.autoregressive(k, 5, tau=2.0, rng=rng),
    "steps": lambda k, rng: markov.autoregressive(5, k, tau=2.0, rng=rng),
    "lags": lambda k, rng: markov.autocorrelation(k, tau=2.0),
    "chains of a variance": lambda k, rng: markov.variance_of_mean(markov.autocorrelation(9, tau=2.0), k),
    "magnets": lambda k, rng: ising.random_spins(k, 4, rng=rng),
    "side of magnets": lambda k, rng: ising.equilibrium(2, k, beta=0.4, rng=rng),
    "rounds": lambda k, rng: clusters.by_pointers(*torch.ones(2, 1, 4, 4, dtype=torch.bool), n_rounds=k),
    "sweeps of fields": lambda k, rng: embedded.metropolis(THEORY, torch.zeros(2, 4), width=1.0, rng=rng, n_sweeps=k),
    "leapfrog steps": lambda k, rng: dynamics.leapfrog(
        THEORY, torch.zeros(2, 4), torch.zeros(2, 4), step_size=0.1, n_leapfrog=k
    ),
    "tuning": lambda k, rng: hmc.tune(THEORY, torch.zeros(2, 4), n_leapfrog=2, rng=rng, n_steps=k),
    "ring": lambda k, rng: small_lattices.ring(THEORY, k),
}


@pytest.mark.parametrize("name", SIZES)
def test_no_function_takes_none_or_half_of_a_thing(name):
    for wrong, refusal in ((0, ValueError), (-1, ValueError), (2.5, TypeError)):
        with pytest.raises(refusal, match=f"= {wrong}:"):
            SIZES[name](wrong, torch.Generator().manual_seed(0))


WITHOUT_RNG = {
    "free field": lambda rng: free.sample(2, 4, 2, mass2=1.0, rng=rng),
    "autoregressive chain": lambda rng: markov.autoregressive(2, 4, tau=2.0, rng=rng),
    "random spins": lambda rng: ising.random_spins(2, 4, rng=rng),
    "Metropolis": lambda rng: ising.metropolis(torch.ones(2, 4, 4, dtype=torch.int8), beta=0.4, rng=rng),
    "Swendsen-Wang": lambda rng: ising.swendsen_wang(torch.ones(2, 4, 4, dtype=torch.int8), beta=0.4, rng=rng),
    "signs": lambda rng: embedded.flip(torch.zeros(2, 4), rng=rng),
    "Metropolis of fields": lambda rng: embedded.metropolis(THEORY, torch.zeros(2, 4), width=1.0, rng=rng),
    "hybrid Monte Carlo": lambda rng: next(
        hmc.trajectories(THEORY, torch.zeros(2, 4), step_size=0.1, n_leapfrog=2, rng=rng)
    ),
}


@pytest.mark.parametrize("name", WITHOUT_RNG)
@pytest.mark.parametrize("rng", [None, 0])
def test_no_sampler_draws_from_a_hidden_source(name, rng):
    with pytest.raises(TypeError, match="all randomness comes from one torch.Generator"):
        WITHOUT_RNG[name](rng)


FIELDS = [
    free.structure_factor, free.correlator, free.timeslice_correlator, free.lowest_structure,
    lambda phi: free.action(phi, mass2=1.0), THEORY.action, THEORY.force, THEORY.schwinger_dyson,
    phi4.measure, phi4.neighbour_product, dynamics.kinetic,
    lambda phi: embedded.flip(phi, rng=torch.Generator()),
    lambda phi: embedded.metropolis(THEORY, phi, width=1.0, rng=torch.Generator()),
    lambda phi: dynamics.momenta(phi, rng=torch.Generator()),
    lambda phi: next(hmc.trajectories(THEORY, phi, step_size=0.1, n_leapfrog=1, rng=torch.Generator())),
]  # fmt: skip


@pytest.mark.parametrize("function", FIELDS)
def test_a_batch_of_fields_is_real_and_has_a_batch_dimension(function):
    whole = torch.full((2, 4, 4), 100)
    for wrong in (whole, whole.to(torch.int8), whole.half(), whole.cdouble(), [[1.0, 2.0]]):
        with pytest.raises(TypeError, match="float32 or float64"):
            function(wrong)
    for shape in ((4,), (0, 4, 4), (2, 0, 0)):
        with pytest.raises(ValueError, match=r"a batch of fields is \(n, L, ..., L\)"):
            function(torch.zeros(shape))


def test_a_mass_that_is_not_even_in_the_momentum_is_refused():
    """Such a chain would draw momenta of one covariance and weigh them with another: wrong averages, no warning."""
    phi, rng = torch.zeros(2, 5, 5), torch.Generator()
    good = 1 / (free.momentum_squared(5, 2) + 1)
    acceleration.refuse(good, phi)
    uneven = good.clone()
    uneven[1, 0] *= 2
    for wrong, words in (
        (uneven, "differs between p and -p"), (-good, "not positive"), (good * torch.nan, "not positive"),
        (good.cdouble(), "complex"), (good[:, :3], "has shape"), (good.expand(2, 5, 5), "has shape"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            next(hmc.trajectories(THEORY, phi, step_size=0.1, n_leapfrog=1, rng=rng, inverse_mass=wrong))
    with pytest.raises(TypeError, match="one number for each momentum"):
        dynamics.kinetic(phi, 1.0)


@pytest.mark.parametrize(("d", "L"), [(1, 4), (1, 5), (2, 3), (2, 4), (3, 3)])
def test_a_filter_is_a_convolution_at_odd_and_even_sides(d, L):
    phi = torch.randn(2, *(L,) * d, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    matrix = torch.linalg.inv(free.matrix(L, d, mass2=0.7))
    expected = (phi.flatten(1) @ matrix).reshape(phi.shape)
    assert torch.allclose(acceleration.filtered(phi, 1 / (free.momentum_squared(L, d) + 0.7)), expected, atol=1e-13)


def test_doubles_keep_all_digits_of_plain_numbers():
    assert given.doubles(0.1).item() == 0.1 and given.doubles([0.1, 0.2]).dtype == torch.float64
    assert given.doubles(np.array([0.1])).item() == 0.1 and given.doubles(torch.ones(2)).dtype == torch.float64
    with pytest.raises(TypeError, match="real numbers"):
        given.doubles("a")
    with pytest.raises(TypeError, match="real"):
        given.doubles(torch.ones(1, dtype=torch.complex128))


IMPOSSIBLE = {  # numbers that once gave a number, or an error of the libraries below
    "spacing": lambda: oscillator.lattice_gap(-0.1, mass2=1.0, coupling=1.0),
    "spacing, none": lambda: oscillator.lattice_gap(math.nan, mass2=1.0, coupling=1.0),
    "mass2": lambda: oscillator.gap(mass2=math.nan, coupling=1.0),
    "k": lambda: oscillator.levels(0, mass2=1.0, coupling=1.0),
    "L": lambda: oscillator.lattice_correlator(0, 0.5, mass2=1.0, coupling=1.0),
    "beta": lambda: neuron.sample(
        2, torch.zeros(1), pair=(torch.tanh, neuron.tanh_potential), beta=math.nan, rng=torch.Generator()
    ),
    "steps": lambda: neuron.sample(
        2, torch.zeros(1), pair=(torch.tanh, neuron.tanh_potential), beta=1.0, steps=0, rng=torch.Generator()
    ),
    "width": lambda: interpolation.gaussian(torch.zeros(1), 8, width=math.inf),
    "L, one": lambda: interpolation.linear(torch.zeros(1), 1),
    "spacings": lambda: continuum.extrapolate([0.1, -0.2, 0.3], [Estimate(1.0, 0.1)] * 3, powers=[0, 2]),
    "n_leapfrog": lambda: slowing_exact.hmc_tau(1.0, step_size=0.1, n_leapfrog=0),
    "acceptance": lambda: slowing_exact.hmc_tau(1.0, step_size=0.1, n_leapfrog=2, acceptance=0.0),
    "T": lambda: slowing_exact.metropolis_tau(lambda s: s.sum((1, 2)), 2, -1.0),
    "order": lambda: fits.finite_size([10, 20], [Estimate(1.0, 0.1)] * 2, order=-1),
    "sizes": lambda: fits.finite_size([10, 0], [Estimate(1.0, 0.1)] * 2),
    "sizes, two": lambda: fits.finite_size([10, 20], [Estimate(1.0, 0.1)] * 3),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_impossible_numbers_are_named_with_the_rule(name):
    with pytest.raises(ValueError, match=rf"^{name.split(',')[0]} .*: "):
        IMPOSSIBLE[name]()


def test_yes_is_no_mass():
    for wrong in ((True, 0.5), (1.0, True)):
        with pytest.raises(TypeError, match="two plain numbers"):
            phi4.Phi4(*wrong)
