"""What a block spin knows of its surroundings, exactly and guessed; machines that learn spins."""

import math

import pytest
import torch

from fieldkit.lattice import ising, ising_exact
from fieldkit.rg import decimation, enumeration, information, machines, neural_information, rules, thermometers
from tests.golden import entries

TC = ising_exact.T_CRITICAL
GOLDEN = {entry["name"]: entry["value"] for entry in entries("rg")}


def test_on_the_torus_from_independent_values():
    """numpy: enumeration of all states, V = 2 x 2, E everything else."""
    P = information.torus(4, 4, TC)
    assert float(P.sum()) == pytest.approx(1, abs=1e-12)
    values = [float(information.of_rule(P, r)) for r in (rules.decimation(), rules.parity(), rules.majority(tie=1.0))]
    assert values == pytest.approx([0.4539828636220964, 0.02349264070986658, 0.542973454046902], abs=1e-12)
    assert float(information.of_block(P)) == pytest.approx(0.702028865179931, abs=1e-12)
    far = information.torus(4, 5, TC, buffer=1)
    assert float(information.of_rule(far, rules.majority())) == pytest.approx(0.4142427227440408, abs=2e-12)


def test_the_best_of_all_rules_breaks_the_symmetry():
    """Majority with every tie to the same side beats every rule that respects the symmetry."""
    for T, L, M in ((TC, 4, 4), (3.0, 4, 4), (TC, 4, 5)):
        P = information.torus(L, M, T)
        codes, values = information.all_rules(P)
        best = rules.from_code(codes[0])
        assert len(codes) == 2**15 and bool((values.diff() <= 0).all())
        total = rules.block_states().sum(1)
        assert bool((best[total != 0] == (total[total != 0] > 0)).all())
        assert len(set(best[total == 0].tolist())) == 1 and not rules.is_odd(best)
        assert float(values[0]) > float(information.all_rules(P, odd=True)[1][0]) + 0.004
        assert float(values[0]) < float(information.of_block(P))


def test_a_coin_never_helps():
    """I is convex in the rule: mixing two rules gives no more than the better one."""
    P = information.torus(4, 4, TC)
    rng = torch.Generator().manual_seed(2)
    table = torch.rand(200, 16, generator=rng, dtype=torch.float64)
    other = torch.rand(200, 16, generator=rng, dtype=torch.float64)
    mixed = information.of_rule(P, 0.3 * table + 0.7 * other)
    assert bool((mixed <= 0.3 * information.of_rule(P, table) + 0.7 * information.of_rule(P, other) + 1e-12).all())


def test_taking_equal_environments_together_loses_nothing():
    P = torch.rand(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    P = P / P.sum()
    doubled = torch.cat([0.25 * P, 0.75 * P], 1)
    assert information.distinct(doubled).shape == (4, 3)
    assert float(information.of_block(information.distinct(doubled))) == pytest.approx(float(information.of_block(P)))


def test_in_one_dimension_decimation_is_best():
    """Markov chain, exact: numpy values, and the closed form of two spins at distance two."""
    P = information.chain(1.0)
    left, coin = torch.tensor([0, 1.0, 0, 1.0]), torch.tensor([0, 0.5, 0.5, 1.0])
    assert float(information.of_rule(P, left)) == pytest.approx(0.4060014409476441, abs=1e-14)
    assert float(information.of_rule(P, coin)) == pytest.approx(0.3909660274027451, abs=1e-14)
    assert float(information.of_block(information.chain(0.5, buffer=1))) == pytest.approx(
        0.04573559542096781, abs=1e-14
    )
    tables = torch.stack([(torch.tensor(code) >> torch.arange(4)) & 1 for code in range(16)]).double()
    for K, buffer in ((0.5, 0), (1.0, 2)):
        P = information.chain(K, buffer=buffer)
        best = float(information.of_rule(P, tables).max())
        assert best == pytest.approx(float(information.of_rule(P, left)), abs=1e-14)


def test_one_spin_of_the_chain_knows_its_two_neighbours():
    """I(s; l, r) from the four probabilities by hand."""
    t = math.tanh(0.7)
    expected = 0.0
    for s in (1, -1):
        for l in (1, -1):
            for r in (1, -1):
                p = (1 + t * s * l) * (1 + t * s * r) / 8
                expected += p * math.log(p / (0.5 * (1 + t * t * l * r) / 4))
    assert float(information.of_block(information.chain(0.7, block=1))) == pytest.approx(expected, rel=1e-12)


@pytest.fixture(scope="module")
def pairs():
    """Blocks and environments of the 4 x 4 torus at T_c, drawn from the exact law."""
    rng = torch.Generator().manual_seed(4)
    states, probability = enumeration.law(4, 4, TC)
    drawn = states[torch.searchsorted(probability.cumsum(0)[:-1], torch.rand(40000, generator=rng).double())]
    block = torch.zeros(4, 4, dtype=torch.bool)
    block[:2, :2] = True
    state = rules.state_of(drawn[:, :2, :2])[:, 0, 0]
    return state, drawn[:, ~block].float(), rng


def test_the_neural_guess_comes_close_to_the_exact_information(pairs):
    state, e, rng = pairs
    table = rules.majority(tie=1.0)
    h = 2 * table[state] - 1
    found = neural_information.estimate(h[:20000], e[:20000], (h[20000:], e[20000:]), rng=rng, n_steps=250, batch=256)
    truth = float(information.of_rule(information.torus(4, 4, TC), table))
    assert truth - 0.03 < found.value < truth + 4 * found.error


def test_a_shuffled_environment_tells_nothing(pairs):
    state, e, rng = pairs
    h = 2 * rules.majority(tie=1.0)[state] - 1
    e = e.roll(1, 0)
    found = neural_information.estimate(h[:20000], e[:20000], (h[20000:], e[20000:]), rng=rng, n_steps=100)
    assert -0.05 < found.value < 4 * found.error


def test_windows_show_block_and_ring():
    spins = torch.arange(2 * 16 * 16).reshape(2, 16, 16)
    V, E = neural_information.windows(spins, buffer=1, every=5)
    assert V.shape == (2, 9, 4) and E.shape == (2, 9, 20)
    assert V[0, 0].tolist() == [34, 35, 50, 51] and 0 in E[0, 0].tolist() and 17 not in E[0, 0].tolist()


def test_a_trained_machine_goes_to_its_own_law_which_is_nearly_that_of_the_data():
    """L = 4, where both laws are sums over 65536 states: v -> h -> v ends at the machine's energy from hot and cold."""
    rng = torch.Generator().manual_seed(6)
    data = ising.equilibrium(2000, 4, beta=1 / 3.0, rng=rng, n_sweeps=20).flatten(1).float()
    W = machines.train(data, 16, n_steps=1500, rng=rng, rate=0.02)
    states, p = enumeration.law(4, 4, 3.0)
    log_q = machines.log_weight(W, states.flatten(1)).log_softmax(0)
    divergence = float((p * (p.log() - log_q)).sum())
    assert divergence < 0.2 * float((p * (p.log() + 16 * math.log(2))).sum())
    own = float(log_q.exp() @ ising.energy(states))
    for start in (torch.ones(2000, 16), ising.random_spins(2000, 4, rng=rng).flatten(1).float()):
        v = machines.gibbs(W, start * (torch.randint(0, 2, (2000, 1), generator=rng) * 2 - 1), 60, rng=rng)
        u = ising.energy(v.reshape(-1, 4, 4).to(torch.int8))
        assert abs(float(u.mean() - own) / (float(u.std()) / 2000**0.5)) < 4


def test_gibbs_sampling_keeps_the_machines_law():
    """All 2^6 states of a small machine: the frequency of each after many steps is exp(log_weight) / Z."""
    rng = torch.Generator().manual_seed(7)
    W = 0.5 * torch.randn(6, 4, generator=rng)
    states = ((torch.arange(64)[:, None] >> torch.arange(6)) & 1).float() * 2 - 1
    p = (machines.log_weight(W, states) - machines.log_partition(W)).exp()
    assert float(p.sum()) == pytest.approx(1, abs=1e-6)
    v = machines.gibbs(W, states.repeat(400, 1), 40, rng=rng)
    counts = torch.bincount((((v + 1) / 2).long() * 2 ** torch.arange(6)).sum(1), minlength=64).double()
    chi2 = float(((counts - len(v) * p) ** 2 / (len(v) * p)).sum())
    assert chi2 < 63 + 5 * (2 * 63) ** 0.5
    assert machines.log_partition(W) == pytest.approx(machines.log_partition(W.T))


def test_training_goes_on_where_it_stopped(tmp_path):
    data = torch.ones(50, 4)
    runs = [
        machines.train(data, 3, n_steps=30, rng=torch.Generator().manual_seed(1), path=path)
        for path in (None, tmp_path / "machine.pt", tmp_path / "machine.pt")
    ]
    assert torch.equal(runs[0], runs[1]) and torch.equal(runs[1], runs[2])


def test_the_machine_of_the_chain_is_exact():
    """Its marginal is the chain's law; visible and hidden together are the finer chain, decimated to K."""
    K, N = 0.5, 6
    W = thermometers.chain_weight(K)
    assert pytest.approx(0.8287272, abs=1e-7) == W
    assert float(decimation.decimate(W, b=2)[0]) == pytest.approx(K, rel=1e-12)
    machine = thermometers.chain_machine(W, N).double()
    states = ((torch.arange(2**N)[:, None] >> torch.arange(N)) & 1).double() * 2 - 1
    ours = machines.log_weight(machine, states).log_softmax(0)
    chain = (K * (states * states.roll(1, 1)).sum(1)).log_softmax(0)
    assert torch.allclose(ours, chain, atol=1e-12)
    fine = float(decimation.correlation_length(W))
    assert fine == pytest.approx(2 * float(decimation.correlation_length(K)))


def test_thermometers_agree_on_an_ising_ensemble_and_not_on_a_mixture():
    readings = [
        thermometers.temperature(o, o(4, 2.6), 4) for o in (thermometers.energy, thermometers.square_magnetization)
    ]
    assert readings == pytest.approx([2.6, 2.6], abs=1e-8)
    # numpy: Kaufman's energies at L = 8 over T = 0.25, 0.5, ..., 6
    mix = [0.25 * k for k in range(1, 25)]
    mean = thermometers.mixture(thermometers.energy, 8, mix)
    assert thermometers.temperature(thermometers.energy, mean, 8) == pytest.approx(2.63420, abs=1e-5)
    mean = thermometers.mixture(thermometers.square_magnetization, 4, mix)
    other = thermometers.temperature(thermometers.square_magnetization, mean, 4)
    same = thermometers.temperature(thermometers.energy, thermometers.mixture(thermometers.energy, 4, mix), 4)
    assert abs(other - same) > 0.03
    with pytest.raises(ValueError, match="runs from"):
        thermometers.temperature(thermometers.energy, -3.0, 4)


def test_a_reading_carries_its_bar():
    from fieldkit.estimates import Estimate

    u = thermometers.energy(4, 2.5)
    found = thermometers.reading(thermometers.energy, Estimate(u, 0.01), 4)
    above = thermometers.temperature(thermometers.energy, u + 0.01, 4)
    assert found.value == pytest.approx(2.5) and found.error == pytest.approx(above - 2.5, rel=0.05)


@pytest.mark.skipif(not GOLDEN, reason="the independent values are not in a public clone")
def test_information_equals_every_independent_value():
    tables = {
        "decimation": rules.decimation(), "parity": rules.parity(), "majority_random_tie": rules.majority(),
        "majority_tie_to_corner": rules.majority_corner(), "majority_all_ties_up": rules.majority(tie=1.0),
    }  # fmt: skip
    found = 0
    for L, M, T, label, buffer in (
        (4, 4, TC, "Tc", 0),
        (4, 5, TC, "Tc", 0),
        (4, 5, TC, "Tc", 1),
        (4, 4, 3.0, "3.0", 0),
    ):
        P = information.torus(L, M, T, buffer=buffer)
        for name, table in tables.items():
            value = GOLDEN.get(f"rsmi.ising2d.{L}x{M}.T={label}.buffer{buffer}.{name}")
            if value is not None:
                assert float(information.of_rule(P, table)) == pytest.approx(value, abs=2e-12)
                found += 1
    assert found >= 6
