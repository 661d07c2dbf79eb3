"""Encoders that are trained know more than encoders that are not, and a collapsed one knows nothing."""

import math

import pytest
import torch

from fieldkit import chunks
from fieldkit.lattice import digits
from fieldkit.transitions import encoders


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


def test_views_are_the_picture_rolled_by_at_most_one(rng):
    pictures = torch.arange(2 * 64.0).reshape(2, 8, 8)
    seen = encoders.views(pictures.expand(40, 2, 8, 8), rng=rng, noise=0.0)
    for k in range(2):
        rolls = {tuple(pictures[k].roll((a, b), (0, 1)).flatten().tolist()) for a in (-1, 0, 1) for b in (-1, 0, 1)}
        found = {tuple(v.flatten().tolist()) for v in seen[:, k]}
        assert found <= rolls and len(found) > 4


def test_moments_of_views_are_those_of_many_views(rng):
    pictures = torch.randn(3, 4, 4, generator=rng, dtype=torch.float64)
    second, cross = encoders.view_moments(pictures, noise=0.5)
    many = pictures.expand(40000, 3, 4, 4)
    x, y = (encoders.views(many, rng=rng, noise=0.5).reshape(40000, 3, 16) for _ in range(2))
    for found, exact in ((x.mT @ x / 3, second), (x.mT @ y / 3, cross)):
        off = (found.mean(0) - exact) / (found.std(0) / 200)
        assert off.abs().max() < 4.5


def test_objectives_vanish_where_they_should():
    z = torch.randn(1, 4000, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    z = z - z.mean(1, keepdim=True)
    root = torch.linalg.cholesky(z.mT @ z / 3999)
    white = torch.linalg.solve_triangular(root, z.mT, upper=False).mT
    assert encoders.vicreg(white, white, lambda a: a).item() == pytest.approx(0.0, abs=1e-5)
    assert encoders.barlow(white, white, lambda a: a).item() == pytest.approx(0.0, abs=1e-5)
    assert encoders.siamese(white, 2 * white, lambda a: 2 * a).item() > 0
    assert encoders.vicreg(0 * white, 0 * white, lambda a: a).item() == pytest.approx(6.0, rel=1e-2)


def test_training_without_labels_helps_a_probe_with_labels(rng):
    seen, labels, new, new_labels = digits.halves(rng=rng)

    def accuracy(n_steps):
        trained = encoders.train(seen, 2, rng=rng, width=64, outputs=8, n_steps=n_steps)
        a, b = (trained.embed(x.flatten(1).float()) for x in (seen, new))
        return encoders.probe(a, labels, b, new_labels).mean()

    assert accuracy(150) > accuracy(1) + 0.03


def test_without_stop_gradient_the_embedding_collapses(rng):
    seen = digits.halves(rng=rng)[0]
    sizes = {}
    for objective in (encoders.siamese, encoders.siamese_without_stop):
        trained = encoders.train(
            seen, 1, rng=rng, objective=objective, predictor=True, width=32, outputs=8, n_steps=200, step=3e-3
        )
        sizes[objective] = trained.embed(seen.flatten(1).float()).var(1).sum().item()
    assert sizes[encoders.siamese_without_stop] < 0.1 * sizes[encoders.siamese]


def test_participation_is_unbiased_where_pictures_are_few(rng):
    """True value 5.33 in 16 dimensions; twelve pictures show at most eleven directions."""
    scale = torch.tensor([2.0] * 4 + [1.0] * 12, dtype=torch.float64)
    exact = float((scale**2).sum() ** 2 / (scale**4).sum())
    z = scale * torch.randn(4000, 12, 16, generator=rng, dtype=torch.float64)
    corrected = encoders.participation(z).median().item()
    values = torch.linalg.svdvals(z - z.mean(1, keepdim=True)).square()
    naive = (values.sum(1) ** 2 / values.square().sum(1)).median().item()
    assert abs(corrected - exact) < 0.08 * exact < abs(naive - exact)


def test_a_probe_knows_what_is_linear_and_nothing_of_noise(rng):
    labels = torch.randint(3, (600,), generator=rng)
    z = torch.nn.functional.one_hot(labels, 3).double()[None] + 0.01 * torch.randn(1, 600, 3, generator=rng)
    noise = torch.randn(1, 600, 3, generator=rng)
    both = torch.cat([z, noise])
    found = encoders.probe(both[:, :400], labels[:400], both[:, 400:], labels[400:])
    assert found[0] == 1.0 and abs(found[1] - 1 / 3) < 4 * math.sqrt(2 / 9 / 200) + 0.05


def test_a_plane_of_sizes_is_swept_and_goes_on_where_it_stopped(tmp_path):
    from functools import partial

    work = partial(encoders.cell, count=2, n_steps=3)
    plane = [(4, 20), (8, 20), (4, 60)]
    first = chunks.sweep(work, plane, rng=torch.Generator().manual_seed(3), path=tmp_path / "plane")
    (sorted((tmp_path / "plane").iterdir())[1]).unlink()  # a cell that was lost
    again = chunks.sweep(work, plane, rng=torch.Generator().manual_seed(3), path=tmp_path / "plane")
    for a, b in zip(first, again):
        assert a["accuracy"].shape == (1, 2) and torch.equal(a["accuracy"], b["accuracy"])


def test_a_probe_with_fewer_labels_knows_less():
    found = [
        encoders.cell((16, 30), torch.Generator().manual_seed(5), count=2, n_steps=5, own_labels=own)["accuracy"]
        for own in (False, True)
    ]
    assert bool((found[0] > found[1] + 0.05).all())  # the same encoders, 898 labels against 30


def test_impossible_encoders_are_refused(rng):
    for call, words in (
        (lambda: encoders.train(torch.ones(5, 4), 1, rng=rng), "expected"),
        (lambda: encoders.train(torch.ones(5, 4, 4), 0, rng=rng), "count = 0"),
        (lambda: encoders.probe(torch.ones(1, 3, 2), torch.ones(2), torch.ones(1, 3, 2), torch.ones(3)), "a label"),
        (lambda: encoders.participation(torch.ones(2, 4)), "at least 3"),
        (lambda: encoders.cell((4, 2000), rng, count=1), "n = 2000"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
