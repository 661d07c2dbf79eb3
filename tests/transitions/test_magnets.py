"""What a network can know of a magnet at best, and that trained networks know no more."""

import math

import pytest
import torch

from fieldkit.lattice import ising_exact
from fieldkit.transitions import magnets, networks, triangular
from tests.transitions.golden import golden

TEMPERATURES = [1.5 + 0.1 * k for k in range(8)] + [2.34 + 0.1 * k for k in range(8)]


@pytest.fixture(scope="module")
def of_states():
    return magnets.law_of_states(4, lambda energy, magnetization: magnetization.abs())


def test_the_law_of_all_states_is_the_law_of_the_transfer_matrix(of_states):
    law, value = of_states
    for T in (1.7, 2.5):
        assert torch.allclose(law(T), magnets.law_of_magnetization(4)(T), rtol=1e-10)
        assert law(T).sum().item() == pytest.approx(1.0, rel=1e-12)
    assert len(value) == 2**16
    odd = magnets.law_of_magnetization(3)(2.0)
    assert len(odd) == 5 and odd.sum().item() == pytest.approx(1.0)


def test_a_law_of_states_takes_another_energy():
    states = ising_exact.all_states(3, 3)
    law, number = magnets.law_of_states(3, lambda e, m: m.abs(), triangular.energy(states))
    weight = torch.softmax(-triangular.energy(states) / 3.4, 0)
    assert law(3.4)[0].item() == pytest.approx(float(weight[states.sum((1, 2)).abs() == 1].sum()), rel=1e-12)
    assert len(number) == 512 and law(3.4).sum().item() == pytest.approx(1.0)


def test_half_temperatures_are_the_independent_ones_and_six_agrees_by_accident():
    for numbers, value in golden("ising_bayes.T_half"):
        if numbers["L"] <= 8:
            law = magnets.law_of_magnetization(int(numbers["L"]))
            answer = magnets.posterior(law, TEMPERATURES)
            found = magnets.half_temperature(law, answer, low=1.8, high=3.5)
            assert found == pytest.approx(value, abs=3e-6)
            for other, at_critical in golden("ising_bayes.output_at_Tc"):
                if other == numbers:
                    assert float(law(ising_exact.T_CRITICAL) @ answer) == pytest.approx(at_critical, abs=3e-6)
    for _, value in golden("ising_bayes.E_T_half"):
        law, _ = magnets.law_of_states(4, lambda energy, magnetization: energy)
        found = magnets.half_temperature(law, magnets.posterior(law, TEMPERATURES), low=1.8, high=3.5)
        assert found == pytest.approx(value, abs=6e-6)
    law = magnets.law_of_magnetization(6)
    six = magnets.half_temperature(law, magnets.posterior(law, TEMPERATURES), low=1.8, high=3.5)
    assert abs(six - ising_exact.T_CRITICAL) < 1e-4


def test_energy_and_magnetization_together_tell_no_more_than_either_on_four_by_four():
    best = []
    for statistic in (lambda e, m: e, lambda e, m: m.abs(), lambda e, m: 100 * e + m.abs()):
        law, _ = magnets.law_of_states(4, statistic)
        best.append(magnets.best_accuracy(law, TEMPERATURES))
    assert best == pytest.approx([0.73660] * 3, abs=6e-5) and best[2] >= max(best[:2]) - 1e-12
    energies, _ = magnets.law_of_states(4, lambda e, m: e)
    half = magnets.half_temperature(energies, magnets.posterior(energies, TEMPERATURES), low=1.8, high=3.5)
    assert half == pytest.approx(2.29319, abs=1e-5)


def test_no_trained_network_beats_bayes_and_a_trained_one_comes_near(of_states):
    """All 65536 states are scored exactly, so that there is no noise of a test set."""
    _, value = of_states
    whole, _ = magnets.law_of_states(4, lambda e, m: torch.arange(len(e)))
    states = ising_exact.all_states(4, 4).reshape(-1, 16).float()
    rng = torch.Generator().manual_seed(0)
    mixture = sum(whole(T) for T in TEMPERATURES) / 16
    drawn = torch.multinomial(mixture, 20000, replacement=True, generator=rng)
    cold = sum(whole(T) for T in TEMPERATURES[:8]) / 16
    labels = (torch.rand(20000, generator=rng, dtype=torch.float64) < (cold / mixture)[drawn]).float()
    trained = networks.train(states[drawn], labels, 2, rng=rng, n_steps=900, decay=1e-5)
    best = magnets.best_accuracy(whole, TEMPERATURES)
    for answer in trained.answers(states).double():
        found = magnets.accuracy(answer, whole, TEMPERATURES)
        assert best - 0.02 < found <= best + 1e-12
    untrained = networks.train(states[drawn], labels, 1, rng=rng, n_steps=1)
    assert magnets.accuracy(untrained.answers(states)[0].double(), whole, TEMPERATURES) < 0.6


def test_networks_trained_at_once_are_networks_trained_alone():
    """K columns of a batched product know nothing of each other: the gradient of one is not touched by another."""
    x = torch.randn(300, 6, generator=torch.Generator().manual_seed(1))
    y = (x[:, 0] > 0).float()
    trained = networks.train(x, y, 3, rng=torch.Generator().manual_seed(2), n_steps=200, flip=False)
    assert ((trained.answers(x) > 0.5) == (y > 0.5)).float().mean() > 0.95
    alone = networks.Networks(
        *(w[1:2] for w in (trained.first, trained.first_bias, trained.second, trained.second_bias))
    )
    assert torch.allclose(alone.answers(x)[0], trained.answers(x)[1])


def test_confusion_has_two_maxima_inside_on_four_by_four(of_states):
    law, _ = of_states
    trials, best = magnets.confusion(law, [1.0 + 0.1 * k for k in range(31)])
    assert best[0] > 0.95 and best[-1] > 0.95
    inside = (best[1:-1] > best[:-2]) & (best[1:-1] > best[2:])
    assert len(trials) == 30 and 0 < int(inside.sum()) <= 3


def test_the_first_principal_component_is_the_order_parameter():
    probability = torch.softmax(-ising_exact.enumerate_states(3, 3)[0] / 2.0, 0)
    rng = torch.Generator().manual_seed(3)
    drawn = torch.multinomial(probability, 40000, replacement=True, generator=rng)
    share = networks.leading_share(ising_exact.all_states(3, 3).reshape(-1, 9)[drawn])
    assert share == pytest.approx(ising_exact.magnetization_moment(3, 2.0, 2), abs=0.01)


def test_a_law_that_is_remembered_is_the_law():
    """The error falls geometrically with the number of temperatures."""
    law = magnets.law_of_magnetization(5)

    def worst(n):
        quick = magnets.remembered(law, 1.3, 3.6, n=n)
        return max(float((quick(T) - law(T)).abs().max()) for T in (1.3, 1.77, 2.45, 3.6))

    assert 100 * worst(24) < worst(12) and 100 * worst(36) < worst(24)
    quick = magnets.remembered(law, 1.3, 3.6, n=24)
    node = 2.45 + 1.15 * math.cos(math.pi * 0.5 / 24)
    assert torch.allclose(quick(node), law(node), atol=1e-14)
    with pytest.raises(ValueError, match="is remembered from"):
        quick(3.7)
    with pytest.raises(ValueError, match="goes upwards"):
        magnets.remembered(law, 3.0, 2.0)


def test_the_smallest_network_at_its_optimum_has_learnt_the_means_of_its_labels(of_states):
    """Where the slope of the cross-entropy vanishes, answers and labels agree on average, and so with the feature."""
    law, _ = of_states
    m2 = (torch.arange(0, 17, 2, dtype=torch.float64) / 16) ** 2
    a, b = magnets.logistic_optimum(law, m2, TEMPERATURES)
    answer = torch.sigmoid(a * m2 + b)
    cold, total = sum(law(T) for T in TEMPERATURES[:8]), sum(law(T) for T in TEMPERATURES)
    for weight in (torch.ones_like(m2), m2):
        assert float((answer * total - cold) @ weight) == pytest.approx(0.0, abs=1e-10)
    assert magnets.half_temperature(law, answer, low=1.8, high=3.5) == pytest.approx(2.30408, abs=2e-5)
    with pytest.raises(ValueError, match="one number for each"):
        magnets.logistic_optimum(law, m2[1:], TEMPERATURES)


def test_a_feature_that_knows_the_label_has_no_finite_optimum():
    def law(T):
        return torch.tensor([1.0, 0.0] if T < 2 else [0.0, 1.0], dtype=torch.float64)

    with pytest.raises(ArithmeticError, match="no finite minimum"):
        magnets.logistic_optimum(law, torch.tensor([1.0, 0.0]), [1.0, 3.0])


def test_answers_pass_one_half_where_their_log_odds_do():
    t = torch.linspace(2.0, 2.6, 8, dtype=torch.float64)
    falling = torch.stack([torch.sigmoid(-a * (t - 2.3) - b * (t - 2.3) ** 2) for a, b in ((4, 0), (9, 3), (40, -8))])
    assert magnets.passing(t, falling).tolist() == pytest.approx([2.3] * 3, abs=1e-9)
    with pytest.raises(ValueError, match="three or more"):
        magnets.passing(t[:2], falling[:, :2])


def test_impossible_labels_are_refused(of_states):
    law, _ = of_states
    rng = torch.Generator().manual_seed(0)
    for call, words in (
        (lambda: magnets.posterior(law, [1.0, 1.5]), "both labels"),
        (lambda: magnets.posterior(law, [1.0, ising_exact.T_CRITICAL, 3.0]), "both labels"),
        (lambda: magnets.half_temperature(law, torch.ones(9, dtype=torch.float64), low=1.0, high=3.0), "does not pass"),
        (lambda: networks.train(torch.ones(3, 4), torch.ones(2), 1, rng=rng), "expected"),
        (lambda: networks.train(torch.ones(3, 4), 2 * torch.ones(3), 1, rng=rng), "within"),
        (lambda: networks.leading_share(torch.ones(3)), "expected"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    assert math.isfinite(magnets.best_accuracy(law, TEMPERATURES))
