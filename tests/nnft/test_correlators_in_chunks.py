"""Correlators in chunks are the same to the last bit, wherever they run, and go on where they stopped."""

import joblib
import pytest
import torch

from fieldkit.nnft import correlators, neurons
from fieldkit.nnft.ensembles import Ensemble

NETWORK = Ensemble(neurons.relu, (10,), sb2=0.5)
X = torch.tensor([[0.2], [1.0]], dtype=torch.float64)


def measure(n_chunks=16, path=None, seed=3, network=NETWORK, points=4):
    rng = torch.Generator().manual_seed(seed)
    return correlators.integrated(network, X, 800, points=points, n_chunks=n_chunks, rng=rng, path=path)


def same(a, b):
    return a.n == b.n and all(torch.equal(x, y) for x, y in zip(a.blocks, b.blocks))


def test_parallel_is_sequential_to_the_last_bit():
    alone = measure()
    with joblib.parallel_config("loky", n_jobs=2):
        assert same(measure(), alone)
    with joblib.parallel_config("threading", n_jobs=2):
        assert same(measure(), alone)


def test_threads_of_a_sum_do_not_change_its_bits():
    before = torch.get_num_threads()
    alone = measure()
    torch.set_num_threads(2)
    try:
        assert same(measure(), alone)
        assert torch.get_num_threads() == 2  # and the setting is given back
    finally:
        torch.set_num_threads(before)


def test_another_seed_is_another_ensemble_and_the_generator_moves_on():
    rng = torch.Generator().manual_seed(3)
    first, second = (
        correlators.integrated(NETWORK, X, 800, points=2, n_chunks=16, rng=rng).blocks[0] for _ in range(2)
    )
    assert torch.equal(first, measure(points=2).blocks[0])
    assert len(torch.cat([first, second]).unique(dim=0)) == 32  # no chunk twice


def test_a_run_that_was_interrupted_goes_on(tmp_path, monkeypatch):
    whole, real = measure(), correlators.chunk_sums
    done = []

    def fails_half_way(*arguments):
        if len(done) == 8:  # after the fingerprint and seven chunks
            raise KeyboardInterrupt
        done.append(1)
        return real(*arguments)

    monkeypatch.setattr(correlators, "chunk_sums", fails_half_way)
    with pytest.raises(KeyboardInterrupt):
        measure(path=tmp_path)
    assert len(list(tmp_path.glob("chunk-*.pt"))) == 7
    monkeypatch.setattr(correlators, "chunk_sums", lambda *a: done.append(1) or real(*a))
    done.clear()
    assert same(measure(path=tmp_path), whole)
    assert len(done) == 1 + 9  # the fingerprint and the chunks that were missing
    done.clear()
    assert same(measure(path=tmp_path), whole)
    assert len(done) == 1


def test_chunks_of_another_run_are_refused(tmp_path):
    measure(path=tmp_path)
    for other in (
        {"seed": 4},
        {"points": 6},
        {"network": Ensemble(neurons.erf, (10,), sb2=0.5)},
        {"network": Ensemble(neurons.relu, (11,), sb2=0.5)},
    ):
        with pytest.raises(ValueError, match="choose another path"):
            measure(path=tmp_path, **other)
