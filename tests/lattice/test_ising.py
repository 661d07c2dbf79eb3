"""Laws of the Ising samplers and of the cluster search."""

import itertools
import math

import numpy as np
import pytest
import scipy.sparse
import torch

from fieldkit.autocorrelation import StreamedSeries, gamma_method
from fieldkit.estimates import jackknife
from fieldkit.lattice import clusters, ising
from fieldkit.lattice import ising_exact as exact

UPDATES = [ising.metropolis, ising.swendsen_wang]
TEMPERATURES = [2.0, exact.T_CRITICAL, 3.0]


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(20)


def test_energy_and_magnetization_agree_with_enumeration():
    states = exact.all_states(4, 4)
    H, M = exact.enumerate_states(4, 4)
    assert torch.equal(ising.energy(states), H / 16)
    assert torch.equal(ising.magnetization(states), M / 16)


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("T", TEMPERATURES)
@pytest.mark.parametrize("L", [2, 4])
def test_one_sweep_keeps_the_boltzmann_law(update, T, L, rng):
    """Independent draws from the exact law, moved by one sweep, still follow the exact joint law of energy and M."""
    states, (H, M) = exact.all_states(L, L), exact.enumerate_states(L, L)
    weight = torch.softmax(-H / T, 0)
    n = 500_000
    spins = states[torch.multinomial(weight, n, replacement=True, generator=rng)]
    moved = update(spins, beta=1 / T, rng=rng)
    _, kind = torch.unique(torch.stack([H, M]), dim=1, return_inverse=True)
    code = (moved.flatten(1) > 0).long() @ (2 ** torch.arange(L * L))
    seen = torch.bincount(kind[code], minlength=int(kind.max()) + 1)
    expected = n * torch.zeros(len(seen), dtype=torch.float64).index_add_(0, kind, weight)
    enough = expected > 10
    chi2 = ((seen - expected) ** 2 / expected)[enough].sum()
    dof = int(enough.sum()) - 1
    assert chi2 < dof + 5 * math.sqrt(2 * dof)
    assert not torch.equal(moved, spins)


@pytest.mark.parametrize("T", TEMPERATURES)
@pytest.mark.parametrize("update, L", [(ising.metropolis, 8), (ising.swendsen_wang, 8), (ising.swendsen_wang, 5)])
def test_samplers_find_the_exact_torus(update, L, T, rng):
    done = ising.run(update, torch.ones(200, L, L, dtype=torch.int8), beta=1 / T, n_steps=400, rng=rng)
    energy, m = done.energy[:, 100:], done.magnetization[:, 100:]
    assert abs(gamma_method(energy).mean.pull(exact.energy(L, T))) < 4
    assert abs(gamma_method(m**2).mean.pull(exact.magnetization_moment(L, T, 2))) < 4
    heat = jackknife(lambda u, u2: (u2 - u**2) * (L / T) ** 2, energy.mean(1), (energy**2).mean(1))
    assert abs(heat.pull(exact.specific_heat(L, T))) < 4
    cumulant = jackknife(lambda m2, m4: 1 - m4 / (3 * m2**2), (m**2).mean(1), (m**4).mean(1))
    assert abs(cumulant.pull(exact.binder_cumulant(L, T))) < 4


@pytest.mark.parametrize("L", [2, 4, 10])
def test_each_colour_neighbours_only_the_other(L):
    site = torch.arange(L)
    spins = (1 - 2 * ((site[:, None] + site) % 2)).to(torch.int8)[None]
    black, white = ising._split(spins)
    assert (black == 1).all() and (white == -1).all()


def test_split_and_merge_are_inverse(rng):
    spins = ising.random_spins(3, 6, rng=rng)
    assert torch.equal(ising._merge(*ising._split(spins)), spins)


@pytest.mark.parametrize("update", UPDATES)
def test_an_update_leaves_its_argument_alone(update, rng):
    spins = ising.random_spins(4, 6, rng=rng)
    before = spins.clone()
    update(spins, beta=0.3, rng=rng, n_sweeps=3)
    assert torch.equal(spins, before)


def test_near_zero_temperature_the_ground_state_stays(rng):
    spins = torch.ones(2, 6, 6, dtype=torch.int8)
    assert torch.equal(ising.metropolis(spins, beta=50.0, rng=rng, n_sweeps=10), spins)
    assert (ising.energy(ising.swendsen_wang(spins, beta=50.0, rng=rng, n_sweeps=10)) == -2).all()


@pytest.mark.parametrize("update", UPDATES)
def test_a_run_records_what_the_chain_yields(update):
    spins = torch.ones(3, 6, 6, dtype=torch.int8)
    done = ising.run(update, spins, beta=0.4, n_steps=5, rng=torch.Generator().manual_seed(1), every=2)
    chain = ising.chain(update, spins, beta=0.4, rng=torch.Generator().manual_seed(1), every=2)
    seen = list(itertools.islice(chain, 5))
    assert torch.equal(done.spins, seen[-1])
    assert torch.equal(done.energy, torch.stack([ising.energy(s) for s in seen], 1))
    assert torch.equal(done.magnetization, torch.stack([ising.magnetization(s) for s in seen], 1))


def test_a_chain_goes_on_from_its_last_spins_and_generator():
    first, second = torch.Generator().manual_seed(3), torch.Generator()
    half = ising.metropolis(torch.ones(2, 8, 8, dtype=torch.int8), beta=0.4, rng=first, n_sweeps=5)
    second.set_state(first.get_state())
    for update in UPDATES:
        assert torch.equal(update(half, beta=0.4, rng=first), update(half, beta=0.4, rng=second))


def test_a_streamed_chain_gives_the_result_of_the_stored_one():
    spins = torch.ones(50, 8, 8, dtype=torch.int8)
    done = ising.run(ising.metropolis, spins, beta=0.3, n_steps=100, rng=torch.Generator().manual_seed(1))
    streamed = StreamedSeries(50, 40)
    chain = ising.chain(ising.metropolis, spins, beta=0.3, rng=torch.Generator().manual_seed(1))
    for s in itertools.islice(chain, 100):
        streamed.update(ising.energy(s))
    assert streamed.result().mean.value == pytest.approx(gamma_method(done.energy).mean.value, rel=1e-12)


def test_random_spins_are_fair(rng):
    m = ising.magnetization(ising.random_spins(400, 10, rng=rng))
    assert abs(m.mean()) < 4 * 0.1 / 20 and m.square().mean().item() == pytest.approx(0.01, rel=4 * math.sqrt(2 / 400))


def test_an_odd_side_has_no_checkerboard(rng):
    with pytest.raises(ValueError, match="L = 7: checkerboard updates need an even side.*use 6 or 8"):
        ising.metropolis(ising.random_spins(1, 7, rng=rng), beta=0.4, rng=rng)


@pytest.mark.parametrize("update", UPDATES)
def test_a_wrong_batch_or_temperature_is_explained(update, rng):
    spins = ising.random_spins(1, 4, rng=rng)
    for wrong in (spins[0], spins.double(), spins[:, :2]):
        with pytest.raises(ValueError, match=r"a batch is int8 \(n, L, L\)"):
            update(wrong, beta=0.4, rng=rng)
    for beta in (0.0, -0.4, math.nan):
        with pytest.raises(ValueError, match="choose beta > 0"):
            update(spins, beta=beta, rng=rng)
    with pytest.raises(ValueError, match="at least one step"):
        ising.run(update, spins, beta=0.4, n_steps=0, rng=rng)


def canonical(label):
    """The same partition as `label`, each cluster named by its first site."""
    flat = label.flatten()
    _, inverse = torch.unique(flat, return_inverse=True)
    site = torch.arange(len(flat))
    first = torch.full((int(inverse.max()) + 1,), len(flat)).scatter_reduce_(0, inverse, site, "amin")
    return first[inverse].view(label.shape)


def by_walking(right, down):
    """Cluster of each site by walking over its bonds, the textbook way."""
    n, L, _ = right.shape
    label = torch.full((n, L, L), -1)
    for b, i, j in itertools.product(range(n), range(L), range(L)):
        todo = [(i, j)] if label[b, i, j] < 0 else []
        name = (b * L + i) * L + j
        while todo:
            x, y = todo.pop()
            if label[b, x, y] >= 0:
                continue
            label[b, x, y] = name
            east, south, west, north = (x, (y + 1) % L), ((x + 1) % L, y), (x, (y - 1) % L), ((x - 1) % L, y)
            on = (right[b, x, y], down[b, x, y], right[b, west[0], west[1]], down[b, north[0], north[1]])
            todo += [site for site, bond in zip((east, south, west, north), on) if bond]
    return label


@pytest.mark.parametrize("L", [2, 3, 5, 8])
@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 0.7, 1.0])
def test_every_search_finds_the_partition_of_a_walk(L, p, rng):
    right, down = torch.rand((2, 6, L, L), generator=rng) < p
    truth = by_walking(right, down)
    assert torch.equal(clusters.by_pointers(right, down), truth)
    assert torch.equal(canonical(clusters.by_image(right, down)), truth)


@pytest.mark.parametrize("n, L", [(40, 64), (3, 200)])
@pytest.mark.parametrize("p", [0.3, 0.5, 0.6])
def test_image_and_pointers_find_the_same_partition(n, L, p, rng):
    right, down = torch.rand((2, n, L, L), generator=rng) < p
    image = clusters.by_image(right, down)
    assert torch.equal(canonical(image), clusters.by_pointers(right, down))
    assert image.min() >= 0 and image.max() < n * L * L


def test_a_snake_through_every_site_is_one_cluster():
    L = 32
    right, down = torch.ones(1, L, L, dtype=torch.bool), torch.zeros(1, L, L, dtype=torch.bool)
    right[:, :, -1] = False  # open rows, joined at alternating ends
    down[:, 0:-1:2, -1] = True
    down[:, 1:-1:2, 0] = True
    assert (clusters.by_pointers(right, down) == 0).all()
    assert (clusters.by_image(right, down) == 0).all()


def test_a_fixed_number_of_rounds_is_enough_at_the_critical_bond_density(rng):
    right, down = torch.rand((2, 4, 64, 64), generator=rng) < 0.5
    assert torch.equal(clusters.by_pointers(right, down, n_rounds=12), clusters.by_pointers(right, down))


def test_values_spread_over_clusters_and_nowhere_else(rng):
    right, down = torch.rand((2, 3, 16, 16), generator=rng) < 0.5
    values = torch.arange(3 * 16 * 16)
    assert torch.equal(clusters.spread(values, right, down), clusters.by_image(right, down))


@pytest.mark.parametrize("update", UPDATES)
def test_bits_are_not_spins(update, rng):
    bits = torch.randint(0, 2, (3, 4, 4), generator=rng, dtype=torch.int8)
    with pytest.raises(ValueError, match=r"2 \* bits - 1"):
        update(bits, beta=0.4, rng=rng)
    update(2 * bits - 1, beta=0.4, rng=rng)


@pytest.mark.parametrize("update", UPDATES)
def test_no_sweep_changes_nothing_and_gives_a_new_tensor(update, rng):
    spins = ising.random_spins(2, 4, rng=rng)
    same = update(spins, beta=0.4, rng=rng, n_sweeps=0)
    assert torch.equal(same, spins) and same.data_ptr() != spins.data_ptr()
    for wrong in (-1, 2.5):
        with pytest.raises((ValueError, TypeError), match=f"n_sweeps = {wrong}"):
            update(spins, beta=0.4, rng=rng, n_sweeps=wrong)
    with pytest.raises(ValueError, match="every = 0: a step is at least one sweep"):
        ising.run(update, spins, beta=0.4, n_steps=2, rng=rng, every=0)


def test_a_level_meets_its_probability_at_both_ends(rng):
    """The mean of (level + 2^15 + 1) / 2^16 over many dithers is p; the extremes neither overflow nor vanish."""
    for p in (2**-16, 0.3, 0.58578, 1 - 2**-17, 1.0):
        reached = (ising._levels(p, 20000, rng).double() + 2**15 + 1) / 2**16
        assert reached.min() > 0 and reached.max() <= 1
        assert reached.mean().item() == pytest.approx(p, abs=4 * 2**-17 / math.sqrt(40000))


def test_single_flips_in_unending_heat_are_refused(rng):
    """At beta -> 0 every flip is accepted: an ordered start turns over for ever and never comes to equilibrium."""
    start = torch.ones(2, 4, 4, dtype=torch.int8)
    for beta in (1e-9, 1e-300, 2**-16.01):
        with pytest.raises(ValueError, match="every flip is accepted.*random_spins"):
            ising.metropolis(start, beta=beta, rng=rng)
    for beta in (0.0, -0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="beta = "):
            ising.metropolis(start, beta=beta, rng=rng)
    with pytest.raises(TypeError, match="beta = True"):
        ising.metropolis(start, beta=True, rng=rng)


def test_a_bond_finer_than_its_random_bits_is_refused(rng):
    with pytest.raises(ValueError, match="16 random bits"):
        ising.swendsen_wang(ising.random_spins(1, 4, rng=rng), beta=1e-6, rng=rng)


@pytest.mark.parametrize("L", [1, 2, 3, 7, 16])
@pytest.mark.parametrize("n", [1, 5])
def test_both_searches_agree_on_any_bonds(L, n, rng):
    for p, q in itertools.product((0.0, 0.3, 0.6, 1.0), repeat=2):
        right, down = torch.rand((n, L, L), generator=rng) < p, torch.rand((n, L, L), generator=rng) < q
        assert torch.equal(canonical(clusters.by_image(right, down)), clusters.by_pointers(right, down))


@pytest.mark.parametrize("d, L", [(1, 1), (1, 7), (1, 64), (3, 2), (3, 3), (3, 8), (4, 3)])
@pytest.mark.parametrize("p", [0.0, 0.15, 0.25, 0.5, 1.0])
def test_clusters_in_any_dimension_are_the_components_of_a_graph(d, L, p, rng):
    """scipy's connected components of the graph of bonds, written without any shift of a lattice."""
    n, sites = 5, L**d
    bonds = (torch.rand((d, n) + (L,) * d, generator=rng) < p).unbind()
    places = np.array(np.unravel_index(np.arange(sites), (L,) * d))
    for b in range(n):
        ends = []
        for k, on in enumerate(bonds):
            far = places.copy()
            far[d - 1 - k] = (far[d - 1 - k] + 1) % L
            here = on[b].flatten().nonzero().flatten().numpy()
            ends.append(np.stack([here, np.ravel_multi_index(tuple(far), (L,) * d)[here]]))
        one, other = np.concatenate(ends, axis=1)
        graph = scipy.sparse.coo_array((np.ones(len(one)), (one, other)), shape=(sites, sites))
        truth = canonical(torch.as_tensor(scipy.sparse.csgraph.connected_components(graph, directed=False)[1]))
        for search in (clusters.by_pointers, clusters.by_image):
            assert torch.equal(canonical(search(*(on[b : b + 1] for on in bonds)).flatten()), truth)
    assert torch.equal(canonical(clusters.by_image(*bonds)), clusters.by_pointers(*bonds))


def test_bonds_of_another_kind_are_explained():
    bonds = torch.ones(2, 4, 4, dtype=torch.bool)
    for right, down in ((bonds, bonds[:1]), (bonds.int(), bonds.int()), (bonds[:, :2], bonds[:, :2]), (bonds[:0],) * 2):
        for search in (clusters.by_pointers, clusters.by_image):
            with pytest.raises(ValueError, match="all are boolean"):
                search(right, down)
    for search in (clusters.by_pointers, clusters.by_image):
        with pytest.raises(ValueError, match="as many as axes"):
            search(bonds)
        for nothing in ((), (bonds, [[[True]]])):
            with pytest.raises(TypeError, match="one boolean tensor for each axis"):
                search(*nothing)
    with pytest.raises(ValueError, match="32 sites"):
        clusters.spread(torch.ones(5), bonds, bonds)


def test_bits_are_no_spins_wherever_they_are_given():
    bits = torch.ones(2, 4, 4, dtype=torch.int8)
    bits[0, 1, 2] = 0
    for f in (ising.energy, ising.magnetization):
        with pytest.raises(ValueError, match=r"2 \* bits - 1"):
            f(bits)
