"""Laws of graph networks."""

import math

import pytest
import torch

from fieldkit import estimates
from fieldkit.propagation import graphs, two_time
from tests.fakegpu import NAME, fake_gpu
from tests.propagation.golden import golden

ERF = two_time.erf_dual(1.0)


def graph(n, N, c, eps, seed=0):
    return graphs.stochastic_block_model(n, N, c=c, eps=eps, rng=torch.Generator().manual_seed(seed))


def test_the_block_model_has_its_degrees():
    A, N = graph(60, 100, 8.0, 0.25), 100
    assert torch.equal(A, A.mT) and A.diagonal(dim1=1, dim2=2).abs().max() == 0
    s = graphs.groups(N)
    inside, across = (A * (s[:, None] * s > 0)).sum((1, 2)) / N, (A * (s[:, None] * s < 0)).sum((1, 2)) / N
    c_in = 2 * 8 / 1.25
    assert abs(estimates.mean(inside).pull(c_in / 2 * (1 - 2 / N))) < 4  # no loops
    assert abs(estimates.mean(across).pull(0.25 * c_in / 2)) < 4


def test_the_threshold_is_where_signal_equals_noise():
    for c in (3.0, 8.0):
        eps = graphs.kesten_stigum(c)
        c_in = 2 * c / (1 + eps)
        assert (c_in * (1 - eps)) ** 2 == pytest.approx(4 * c, rel=1e-13)
    for name, value, _ in golden():
        if name.startswith("SBM 2 groups"):
            c = float(name.split("c=")[1].split(":")[0])
            assert graphs.kesten_stigum(c) == pytest.approx(float(value), rel=1e-14)


def test_a_linear_network_has_powers_of_the_adjacency_matrix():
    A = graph(2, 30, 4.0, 0.5)
    K = graphs.kernel(A, 3, dual=two_time.linear_dual, sw2=1.5, c=4.0)
    assert torch.allclose(K, (1.5 / 4) ** 3 * A @ A @ A @ A @ A @ A, rtol=1e-12)


def test_the_kernel_is_the_limit_of_many_features():
    A = graph(1, 40, 5.0, 0.2)
    K = graphs.kernel(A, 3, dual=ERF, sw2=2.0, c=5.0)
    gaps = []
    for F in (100, 400, 1600):
        rng = torch.Generator().manual_seed(1)
        H = graphs.features(A.expand(4, 40, 40), 3, F=F, activation=torch.erf, sw2=2.0, c=5.0, rng=rng)
        gaps.append(((H @ H.mT / F - K).norm(dim=(1, 2)) / K.norm(dim=(1, 2))).square().mean().sqrt().item())
    assert gaps[0] / gaps[2] == pytest.approx(4, rel=0.35)  # falls as 1 / sqrt F


def test_a_deep_kernel_stays_a_covariance():
    A = graph(2, 60, 8.0, 0.3, seed=5)
    K = graphs.kernel(A, 300, dual=ERF, sw2=1.5, c=8.0)
    assert torch.equal(K, K.mT)
    values = torch.linalg.eigvalsh(K)
    assert (values[:, 0] > -1e-10 * values[:, -1]).all()


def test_block_averages_sum_to_the_whole():
    K, N = torch.randn((2, 10, 10), generator=torch.Generator().manual_seed(2), dtype=torch.float64), 10
    K = K + K.mT
    diagonal, same, other = graphs.block_averages(K, graphs.groups(N))
    total = N * diagonal + N * (N / 2 - 1) * same + N * N / 2 * other
    assert torch.allclose(total, K.sum((1, 2)), rtol=1e-12)
    assert torch.allclose(other, 2 * K[:, :5, 5:].mean((1, 2)) / 2, rtol=1e-12)


def test_communities_are_seen_on_one_side_of_the_threshold():
    N, c = 400, 8.0
    s = graphs.groups(N)
    for eps, visible in ((0.1, True), (0.9, False)):
        A = graph(3, N, c, eps, seed=3)
        for M, largest in (
            (graphs.kernel(A, 6, dual=ERF, sw2=2.0, c=c), True),
            (A, True),
            (graphs.bethe_hessian(A, c=c), False),
        ):
            found = graphs.overlap(M, s, largest=largest)
            assert (found > 0.9).all() if visible else (found < 5 / math.sqrt(N)).all()


def test_the_bethe_hessian_is_that_of_ihara_and_bass():
    # det(r - B) = (r^2 - 1)^(M - N) det((r^2 - 1) 1 - r A + D), B the non-backtracking matrix, at r = sqrt c
    A, c = graph(1, 8, 3.0, 0.5, seed=4)[0], 2.7
    edges = A.nonzero().tolist()
    B = torch.tensor([[float(v == w and x != u) for w, x in edges] for u, v in edges], dtype=torch.float64)
    left = torch.linalg.det(math.sqrt(c) * torch.eye(len(edges)).double() - B).item()
    right = (c - 1) ** (len(edges) / 2 - 8) * torch.linalg.det(graphs.bethe_hessian(A, c=c)).item()
    assert left == pytest.approx(right, rel=1e-10)


def test_perfect_blocks_are_read_perfectly():
    s = graphs.groups(8)
    assert graphs.overlap((s[:, None] * s)[None], s).item() == pytest.approx(1)


def test_to_skip_an_eigenvector_is_to_look_at_the_next_one():
    s, other = graphs.groups(8), torch.tensor([1.0, -1.0]).double().repeat(4)
    M = (s[:, None] * s + 2 * other[:, None] * other)[None]
    assert graphs.overlap(M, s, among=1).item() == pytest.approx(0)
    assert graphs.overlap(M, s, among=1, skip=1).item() == pytest.approx(1)
    assert graphs.overlap(-M, s, among=1, skip=1, largest=False).item() == pytest.approx(1)
    with pytest.raises(ValueError, match="skip = 8"):
        graphs.overlap(M, s, among=1, skip=8)


def test_errors_speak():
    with pytest.raises(ValueError, match="small trees"):
        graphs.kesten_stigum(0.5)
    with pytest.raises(ValueError, match="even number"):
        graphs.groups(3)
    with pytest.raises(ValueError, match="must lie in"):
        graph(1, 4, 30.0, 0.1)


def test_it_runs_on_the_device_of_its_generator():
    with fake_gpu() as rng:
        A = graphs.stochastic_block_model(2, 8, c=3.0, eps=0.1, rng=rng)
        K = graphs.kernel(A, 2, dual=ERF, sw2=1.0, c=3.0)
        H = graphs.features(A, 2, F=4, activation=torch.erf, sw2=1.0, c=3.0, rng=rng)
        averages = graphs.block_averages(K, graphs.groups(8, device=rng.device))
        for out in (A, K, H, graphs.bethe_hessian(A, c=3.0), graphs.overlap(K, graphs.groups(8, device=rng.device))):
            assert out.device.type == NAME
        assert all(out.device.type == NAME for out in averages)
