"""Output weights of other laws: variance one, their kurtosis, and the four-point function that it makes."""

import pytest
import torch

from fieldkit.nnft import correlators, exact, laws, neurons, wick
from fieldkit.nnft.ensembles import Ensemble

LAWS = [laws.gaussian, laws.uniform, laws.signs, laws.laplace]


@pytest.mark.parametrize("law", LAWS)
def test_a_law_has_mean_zero_variance_one_and_its_kurtosis(law):
    v = law.draw((400_000,), torch.Generator().manual_seed(2), torch.float64)
    for power, truth in ((1, 0.0), (2, 1.0), (3, 0.0), (4, law.kurtosis)):
        moment, spread = (v**power).mean(), (v**power).std()
        assert abs(moment - truth) <= 4.5 * spread / len(v) ** 0.5 + 1e-12


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("sb2", [0.0, 0.4])
def test_the_kurtosis_of_the_weights_joins_four_points_of_one_output(law, sb2):
    network, x = Ensemble(neurons.erf, (3,), sw2=1.5, sb2=sb2), torch.tensor([[0.7], [-0.4]])
    rng = torch.Generator().manual_seed(4)
    found = correlators.from_outputs(network, x, 200_000, points=4, d_out=2, law=law, rng=rng)
    index = wick.tuples(4, 4)  # site = point * 2 + output
    truth = exact.four_point(network, x, index // 2, index % 2, kurtosis=law.kurtosis)
    values, covariance = found.covariance(lambda two, four: four)
    assert ((values - truth).abs() / covariance.diagonal().sqrt()).max() < 4.5
