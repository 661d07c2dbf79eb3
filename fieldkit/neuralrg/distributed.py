"""How do several devices train one flow?  Each takes its share of one joint batch; gradients are averaged by torch.

    torchrun --nproc-per-node 2 my_training.py            with, in my_training.py,

    with distributed.processes() as device:
        rng = torch.Generator(device).manual_seed(0)      # the same seed everywhere
        flow = equivariant.equivariant(64, rng=rng)
        training.train(flow, target, n_steps=10_000, batch=1024, rng=rng, path="flow.pt", show=True)

Every process draws the noise of the whole batch from the same generator and keeps its own part, which costs little
next to the networks.  So the run is that of one process with the joint batch, up to rounding, and a checkpoint written
by two processes can be continued by one or by four.  All write the same file, each aside and renamed.  Without
torchrun everything here does nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch
import torch.distributed as dist
from torch import Tensor, nn


@contextlib.contextmanager
def processes() -> Iterator[torch.device]:
    """Join the processes that torchrun started, nccl on GPUs and gloo on CPUs; yields the device of this one.

    Without torchrun's environment: the one GPU or the CPU, alone.
    """
    local = int(os.environ.get("LOCAL_RANK", 0))
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    if "RANK" not in os.environ:
        yield device
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()


def share() -> tuple[int, int]:
    """(rank, number of processes); (0, 1) when alone."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def parallel(module: nn.Module) -> nn.Module:
    """The module, wrapped in DistributedDataParallel when there are several processes."""
    if share()[1] == 1:
        return module
    return nn.parallel.DistributedDataParallel(module, broadcast_buffers=False)


def together(values: Tensor) -> Tensor:
    """values (m,) of all processes, one after the other, on each of them: those of the joint batch."""
    world = share()[1]
    if world == 1:
        return values
    parts = [torch.empty_like(values) for _ in range(world)]
    dist.all_gather(parts, values.contiguous())
    return torch.cat(parts)
