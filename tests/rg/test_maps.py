"""What a map of couplings tells: roots, linearisation, exponents."""

import math

import pytest
import torch

from fieldkit.rg import decimation, maps

ZERO = torch.zeros(2, dtype=torch.float64)


def test_an_exponent_does_not_depend_on_the_coordinates():
    """A smooth change of coordinates turns the linearised map into a similar one."""

    def step(x):
        return torch.stack([2 * x[0] + x[0] * x[1], 0.25 * x[1] + x[0] ** 2])

    def turned(x):  # y = x + x0 x1 and back to first order is not enough: use an exact inverse
        x = torch.stack([x[0], x[1] - x[0] ** 2])
        x = step(x)
        return torch.stack([x[0], x[1] + x[0] ** 2])

    for f in (step, turned):
        y = maps.exponents(maps.linearised(f, ZERO), b=2.0)
        assert y.tolist() == pytest.approx([1.0, -2.0], abs=1e-12)


def test_two_steps_double_b_and_keep_the_exponents():
    def twice(x):
        return torch.stack(decimation.decimate_cold(*decimation.decimate_cold(x[0], x[1])))

    y = maps.exponents(maps.linearised(twice, ZERO), b=4)
    assert y.tolist() == pytest.approx([decimation.Y_T, decimation.Y_H], abs=1e-12)


def test_a_fixed_point_is_a_root_and_beta_vanishes_there():
    def step(x):
        return torch.cos(x)

    root = maps.fixed_point(step, torch.tensor([0.5]))
    assert float(root) == pytest.approx(0.7390851332151607, abs=1e-14)
    assert float(maps.beta(step, root, b=2)) == pytest.approx(0, abs=1e-14)
    with pytest.raises(ValueError, match="no fixed point"):
        maps.fixed_point(lambda x: x + 1 + x**2, torch.tensor([0.0]))


def test_beta_of_small_steps_is_the_derivative_by_the_logarithm_of_the_scale():
    x = torch.tensor([0.3, 1.7], dtype=torch.float64)
    small = maps.beta(lambda v: v * 1.0001**-2, x, b=1.0001)
    assert torch.allclose(small, -2 * x, rtol=2e-4)


def test_kinds_of_fixed_points():
    assert "sink" in maps.kind([-1.0, -2.0])
    assert "source" in maps.kind([1.0, 2.0])
    assert "saddle with 1 relevant of 2" in maps.kind([1.0, -2.0])
    assert "marginal" in maps.kind([1.0, 0.0])


def test_a_trajectory_starts_where_it_is_told():
    path = maps.trajectory(lambda x: x / 2, [8.0], 3)
    assert path[:, 0].tolist() == [8, 4, 2, 1]
    with pytest.raises(ValueError, match="b = 1"):
        maps.beta(lambda x: x, path[0], b=1.0)
    assert math.isclose(maps.scale(2), 2.0)
