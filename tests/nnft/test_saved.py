"""Outputs that were kept say what they said when they were drawn."""

import pytest
import torch

from fieldkit import checkpoints
from fieldkit.nnft import ensembles, exact, neurons, saved
from fieldkit.nnft.ensembles import Ensemble

NETWORK, X = Ensemble(neurons.erf, (4,), sb2=0.2), torch.tensor([[0.5], [-1.0]], dtype=torch.float64)


def test_an_ensemble_comes_back_with_its_recipe_and_its_correlators(tmp_path):
    f = ensembles.functions(NETWORK, X, 40_050, rng=torch.Generator().manual_seed(1))
    saved.save(tmp_path / "erf.pt", NETWORK, X, f, activation="erf")
    kept = saved.load(tmp_path / "erf.pt")
    assert torch.equal(kept.f, f) and torch.equal(kept.x, X)
    assert (kept.activation, kept.widths, kept.sw2, kept.sb2) == ("erf", (4,), 1.0, 0.2)
    found = saved.measure(kept, points=4)
    assert found.n == 40_000
    two, four = exact.two_point(NETWORK, X), exact.four_point(NETWORK, X)
    assert abs(found.two(0, 1).value - two[0, 1]) < 4.5 * found.two(0, 1).error
    assert abs(found.four(0, 0, 1, 1).value - four[2]) < 4.5 * found.four(0, 0, 1, 1).error


def test_other_shapes_and_other_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match="m = 2 points"):
        saved.save(tmp_path / "no.pt", NETWORK, X, torch.zeros(5, 3, 1))
    checkpoints.save(tmp_path / "other.pt", {"x": X})
    with pytest.raises(ValueError, match="something else"):
        saved.load(tmp_path / "other.pt")
    few = saved.Saved(torch.zeros(5, 2, 1), X, "", (4,), 1.0, 0.2)
    with pytest.raises(ValueError, match="5 networks in 100 chunks"):
        saved.measure(few)


def test_outputs_in_a_list_keep_their_digits(tmp_path):
    saved.save(tmp_path / "list.pt", NETWORK, X, [[[0.1], [16777217.0]]] * 8)
    assert saved.load(tmp_path / "list.pt").f[0, 1, 0].item() == 16777217.0
