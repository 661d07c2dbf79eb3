"""Weights and biases with means: measured averages are the exact ones, and zero means change nothing."""

import pytest
import torch

from fieldkit.estimates import jackknife_covariance
from fieldkit.nnft import exact, means, neurons
from fieldkit.nnft.ensembles import Ensemble

X = torch.tensor([[0.7, -0.2], [-0.4, 0.9]], dtype=torch.float64)


@pytest.mark.parametrize("neuron", [neurons.relu, neurons.erf])
@pytest.mark.parametrize(("mw", "mb"), [(0.3, 0.0), (0.0, 0.5), (-0.2, 0.4)])
def test_means_and_covariances_of_outputs_are_exact(neuron, mw, mb):
    network = Ensemble(neuron, (5,), sw2=1.3, sb2=0.2)
    f = means.functions(network, X, 60_000, mw=mw, mb=mb, d_out=2, rng=torch.Generator().manual_seed(3))[..., 1]
    one, two = means.one_and_two(network, X, mw=mw, mb=mb)
    parts = f.reshape(200, -1, 2)
    pair = torch.einsum("cna,cnb->cab", parts, parts) / parts.shape[1]

    def functions(first, second):
        return torch.cat([first, (second - torch.outer(first, first)).flatten()[[0, 1, 3]]])

    values, covariance = jackknife_covariance(functions, parts.mean(1), pair)
    truth = torch.cat([one, two.flatten()[[0, 1, 3]]])
    assert ((values - truth).abs() / covariance.diagonal().sqrt()).max() < 4.5


@pytest.mark.parametrize("neuron", [neurons.relu, neurons.erf])
def test_without_means_the_kernel_is_that_of_every_width(neuron):
    network = Ensemble(neuron, (7,), sw2=0.8, sb2=0.3)
    one, two = means.one_and_two(network, X)
    assert one.abs().max() == 0
    torch.testing.assert_close(two, exact.two_point(network, X), rtol=1e-8, atol=1e-10)


def test_what_has_no_mean_is_refused():
    with pytest.raises(ValueError, match="one hidden layer"):
        means.one_and_two(Ensemble(neurons.relu, (4, 4)), X, mw=0.1)
