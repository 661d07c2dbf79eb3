"""Hybrid Monte Carlo of 2D phi^4 as others would run it fast: JAX by hand, blackjax, a leapfrog that torch compiles.

Each peer is a function (fields (n, L, L), step_size) -> advance, and advance(k) does k trajectories of ten leapfrog
steps in the dtype of the fields; it raises ImportError where its library is not installed.  JAX draws its own random
numbers (threefry), everything of a call is one compiled scan, and it keeps to one thread.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

MASS2, COUPLING, N_LEAPFROG = -1.0, 0.5, 10
Advance = Callable[[int], object]

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")


def jax_by_hand(phi: Tensor, step_size: float, *, last: bool) -> Advance:
    """Batched by hand and jitted; chains are the last (fastest) or the first index."""
    import jax
    import jax.numpy as jnp

    one, two, site = (0, 1, (0, 1)) if last else (1, 2, (1, 2))

    def action(x: Any) -> Any:
        square = x * x
        bonds = x * (jnp.roll(x, -1, one) + jnp.roll(x, -1, two))
        return jnp.sum(square * (2 + MASS2 / 2 + COUPLING * square) - bonds, axis=site)

    def force(x: Any) -> Any:
        beside = jnp.roll(x, 1, one) + jnp.roll(x, -1, one) + jnp.roll(x, 1, two) + jnp.roll(x, -1, two)
        return beside - x * (4 + MASS2 + 4 * COUPLING * x * x)

    def trajectory(state: Any, _: Any) -> Any:
        x, key = state
        key, first, second = jax.random.split(key, 3)
        p = jax.random.normal(first, x.shape, x.dtype)
        before = action(x) + 0.5 * jnp.sum(p * p, site)

        def leap(_: Any, pair: Any) -> Any:
            y, q = pair
            y = y + step * q
            return y, q + step * force(y)

        y, q = jax.lax.fori_loop(0, N_LEAPFROG - 1, leap, (x, p + 0.5 * step * force(x)))
        y = y + step * q
        q = q + 0.5 * step * force(y)
        after = action(y) + 0.5 * jnp.sum(q * q, site)
        accepted = jax.random.uniform(second, before.shape, x.dtype) < jnp.exp(before - after)
        x = jnp.where(accepted[None, None] if last else accepted[:, None, None], y, x)
        return (x, key), accepted

    @functools.partial(jax.jit, static_argnums=1)
    def scan(state: Any, k: int) -> Any:
        return jax.lax.scan(trajectory, state, None, length=k)

    start = jnp.asarray(phi.numpy())
    step = jnp.asarray(step_size, start.dtype)
    state = [jnp.moveaxis(start, 0, -1) if last else start, jax.random.key(1)]

    def advance(k: int) -> None:
        (state[0], state[1]), _ = scan(tuple(state), k)
        jax.block_until_ready(state[0])

    return advance


def blackjax_hmc(phi: Tensor, step_size: float) -> Advance:
    """blackjax's HMC of one chain, vmapped and scanned; it differentiates the action itself."""
    import blackjax
    import jax
    import jax.numpy as jnp

    def log_density(x: Any) -> Any:
        square = x * x
        bonds = x * (jnp.roll(x, -1, 0) + jnp.roll(x, -1, 1))
        return -jnp.sum(square * (2 + MASS2 / 2 + COUPLING * square) - bonds)

    start = jnp.asarray(phi.numpy())
    one = blackjax.hmc(
        log_density,
        step_size=jnp.asarray(step_size, start.dtype),
        inverse_mass_matrix=jnp.ones(start[0].size, start.dtype),
        num_integration_steps=N_LEAPFROG,
    )

    @functools.partial(jax.jit, static_argnums=2)
    def scan(state: Any, key: Any, k: int) -> Any:
        def step(s: Any, each: Any) -> Any:
            s, info = jax.vmap(one.step)(jax.random.split(each, len(start)), s)
            return s, info.is_accepted

        return jax.lax.scan(step, state, jax.random.split(key, k))

    state = [jax.vmap(one.init)(start), jax.random.key(2)]

    def advance(k: int) -> None:
        state[1] = jax.random.split(state[1])[0]
        state[0], _ = scan(state[0], state[1], k)
        jax.block_until_ready(state[0].position)

    return advance


def torch_compiled(phi: Tensor, step_size: float) -> Advance:
    """One trajectory through torch.compile, chains last; it needs a C++ compiler and some ten seconds once."""

    def action(x: Tensor) -> Tensor:
        square = x * x
        bonds = x * (x.roll(-1, 0) + x.roll(-1, 1))
        return (square * (2 + MASS2 / 2 + COUPLING * square) - bonds).sum((0, 1), dtype=torch.float64)

    def force(x: Tensor) -> Tensor:
        return x.roll(1, 0) + x.roll(-1, 0) + x.roll(1, 1) + x.roll(-1, 1) - x * (4 + MASS2 + 4 * COUPLING * x * x)

    def trajectory(x: Tensor, p: Tensor, uniform: Tensor) -> Tensor:
        before = action(x) + 0.5 * (p * p).sum((0, 1), dtype=torch.float64)
        y, q = x, p + 0.5 * step_size * force(x)
        for step in range(N_LEAPFROG):
            y = y + step_size * q
            q = q + (step_size if step < N_LEAPFROG - 1 else 0.5 * step_size) * force(y)
        after = action(y) + 0.5 * (q * q).sum((0, 1), dtype=torch.float64)
        return torch.where(uniform < torch.exp(before - after), y, x)

    fast, rng = torch.compile(trajectory, dynamic=False), torch.Generator().manual_seed(3)
    state = [phi.movedim(0, -1).contiguous()]

    def advance(k: int) -> None:
        for _ in range(k):
            p = torch.randn(state[0].shape, generator=rng, dtype=phi.dtype)
            state[0] = fast(state[0], p, torch.rand(len(phi), generator=rng, dtype=torch.float64))

    return advance
