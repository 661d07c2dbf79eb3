"""How fast is the theory of wide random networks?  Processor seconds of a phase diagram, its inverse, and two kernels;
and what the tangent kernel of a module costs in memory.

`python -m benchmarks.propagation` from the root.  One thread; both sides take turns in one run, and the ratio is the
median over the turns.  The peer of the phase diagram is neural-tangents' numerical dual activation, degree 25: its row
says so where it is not installed (it needs an environment of its own: jax and jaxlib 0.5.3, tf2jax 0.3.6,
neural-tangents 0.6.5).  Rows with a budget instead of a peer say so.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch

from benchmarks import table
from fieldkit.propagation import activations, criticality, fixed_points, kernels, tangent

TURNS = 5


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(name: str, ours: Callable[[], object], peer: Callable[[], object] | float) -> None:
    """One row: medians over turns, after one that warms up.  A number as peer is a budget in seconds."""
    pairs = [(seconds(ours), peer if isinstance(peer, float) else seconds(peer)) for _ in range(TURNS + 1)][1:]
    a, b = (statistics.median(column) for column in zip(*pairs))
    table.row(name, a, b, "CPU s", ratio=statistics.median(x / y for x, y in pairs))


def compare_speed(name: str, points: int, ours: Callable[[], object], peer: Callable[[], object]) -> None:
    """One row in points a second, for a peer so slow that one turn must do (after one that warms up)."""
    (_, a), (_, b) = ([seconds(work), seconds(work)] for work in (ours, peer))
    table.row(name, points / a, points / b, "points / CPU s")


def plane(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(sw2, sb2), each (n, n): 0.5 ... 4 by 0.002 ... 0.5."""
    sw2, sb2 = torch.linspace(0.5, 4, n, dtype=torch.float64), torch.linspace(0.002, 0.5, n, dtype=torch.float64)
    rows, columns = torch.meshgrid(sw2, sb2, indexing="ij")
    return rows, columns


def diagram(n: int) -> list[torch.Tensor]:
    """q*, c*, chi_1, xi_q, xi_c of tanh."""
    p = fixed_points.phases(*plane(n), activation=activations.tanh)
    return [p.q, p.c, p.chi_1, p.xi_q, p.xi_c]


def inverse(q: torch.Tensor, c: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights and biases of tanh networks with these fixed points; up to q = 4 the series needs 320 terms."""
    return criticality.weights_for(q, c, activation=activations.tanh, n_terms=320)


def special_functions(n: int, depth: int) -> Callable[[], None]:
    """Nothing but the arcsine and the inverse root of an n x n Gram matrix at each layer of an erf network."""
    c = torch.rand(n, n, dtype=torch.float64) * 0.9

    def work() -> None:
        for _ in range(depth):
            torch.asin(c)
            torch.rsqrt(c)

    return work


def main() -> None:
    """Print the tables."""
    torch.set_num_threads(1)
    q, c = torch.linspace(0.01, 4, 256, dtype=torch.float64), torch.linspace(0, 1, 256, dtype=torch.float64)
    table.head("tanh, 256 x 256 points", "budget")
    compare("q*, c*, chi_1, xi_q, xi_c", lambda: diagram(256), 1.0)
    compare("inverse map (q*, c*) -> (sw2, sb2)", lambda: inverse(q, c), 0.01)
    table.head("tanh, 32 x 32 points", "NT degree 25")
    name = "q*, c*, chi_1, xi_q, xi_c (peer: q*, c*)"
    try:
        compare_speed(name, 32 * 32, lambda: diagram(32), neural_tangents(32))
    except ImportError as error:
        table.missing(name, str(error))
    x = torch.randn(2000, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    table.head("erf, depth 10, 2000 x 2000", "asin, rsqrt")
    compare(
        "NNGP and NTK",
        lambda: kernels.kernels(x, activation=activations.erf, depth=10, sw2=1.5, sb2=0.1),
        special_functions(2000, 10),
    )
    memory_rows()


def ntk_memory(n_layers: int, chunk: int) -> tuple[int, int]:
    """(growth of the peak resident memory, size of the Jacobian), in kB, for 32 inputs of a module 500 wide."""
    layers = [part for _ in range(n_layers) for part in (torch.nn.Linear(500, 500), torch.nn.Tanh())]
    module, x = torch.nn.Sequential(*layers, torch.nn.Linear(500, 1)).double(), torch.randn(32, 500).double()
    tangent.empirical_ntk(module[-1:], x, chunk=chunk)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tangent.empirical_ntk(module, x, chunk=chunk)
    jacobian = 32 * sum(p.numel() for p in module.parameters()) * 8 // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, jacobian


def memory_rows() -> None:
    """Each in a process of its own, because a peak never falls."""
    table.head("tangent kernel, chunk 2^20 (8.4 MB)", "Jacobian")
    for n_layers in (2, 8, 32):
        code = f"from benchmarks.propagation import ntk_memory; print(*ntk_memory({n_layers}, 2**20))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8")
        grown, jacobian = (int(kB) for kB in done.stdout.split())
        table.row(f"peak memory, {n_layers * 0.25:g} million parameters", grown, jacobian, "kB")


def neural_tangents(n: int) -> Callable[[], object]:
    """Two hundred layers of its numerical dual activation, degree 25, on the same plane: q* and c*.  Raises
    ImportError where it is not installed."""
    import jax
    import jax.numpy as jnp
    from neural_tangents import stax

    jax.config.update("jax_enable_x64", True)
    rows, columns = (jnp.asarray(side.reshape(-1).tolist()) for side in plane(n))

    def one(sw2: jax.Array, sb2: jax.Array) -> jax.Array:
        layer = stax.serial(stax.Dense(1, sw2**0.5, sb2**0.5), stax.ElementwiseNumerical(jnp.tanh, deg=25))[2]
        pair = layer(layer(jnp.array([[1.0], [0.5]]), None).replace(ntk=None))
        return jax.lax.fori_loop(0, 200, lambda _, kernel: layer(kernel), pair).nngp

    work = jax.jit(jax.vmap(one))
    return lambda: work(rows, columns).block_until_ready()


if __name__ == "__main__":
    main()
