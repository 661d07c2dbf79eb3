"""Run code on a pretend accelerator: no GPU, no CUDA build, no numbers; only devices, shapes and types are followed.

torch's private backend `fakegpu` under FakeTensorMode, with two watchers: one refuses operands on different devices
and arrays made on the CPU, the other checks that a random generator lives where its draws go (real CUDA refuses a CPU
generator; fake tensors would not). Uses experimental parts of torch, so it follows the pinned torch, and tests skip on
one that lacks them.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

NAME = "fakegpu"
COPIES = ("aten::copy_", "aten::_to_copy", "aten::index", "aten::lift")


class WrongDevice(AssertionError):
    """A tensor was made, or met another, on the wrong device."""


class Generator(torch.Generator):
    """A CPU generator that says it lives on the pretend device; `_Spellings` takes it out of every call."""

    @property
    def device(self) -> torch.device:
        return torch.device(NAME, 0)


@functools.cache
def _register() -> None:
    from torch.utils import backend_registration

    if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        pytest.skip(f"torch {torch.__version__} has no hook for a pretend accelerator")
    backend_registration._setup_privateuseone_for_python_backend(NAME)


class _Spellings(TorchFunctionMode):
    """torch.tensor(..., device=) and generator=, which the python backend lacks."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        generator = kwargs.get("generator")
        if isinstance(generator, Generator):
            del kwargs["generator"]
        if generator is not None:
            target = args[0].device if args and isinstance(args[0], torch.Tensor) else kwargs.get("device", "cpu")
            if torch.device(target).type != generator.device.type:
                raise WrongDevice(f"{func.__name__}: a generator on {generator.device} cannot fill one on {target}")
        if func is torch.tensor and torch.device(kwargs.get("device") or "cpu").type == NAME:
            device = kwargs.pop("device")
            with _Watch.pause():
                return func(*args, **kwargs).to(device)
        return func(*args, **kwargs)


class _Watch(TorchDispatchMode):
    paused = 0

    def __init__(self, guards: bool) -> None:
        super().__init__()
        self.guards = guards

    @classmethod
    @contextlib.contextmanager
    def pause(cls) -> Iterator[None]:
        cls.paused += 1
        try:
            yield
        finally:
            cls.paused -= 1

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        inputs = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        devices = {t.device.type for t in inputs if t.dim()}
        name = func._schema.name
        if len(devices) > 1 and not name.startswith(COPIES):
            raise WrongDevice(f"{name}: operands on {sorted(devices)}")
        try:
            out = func(*args, **kwargs)
        except DataDependentOutputException:
            if not (self.guards and name == "aten::_local_scalar_dense" and inputs[0].dtype is torch.bool):
                raise
            return False  # there are no numbers to look at: a guard that asks for any fault finds none
        if not inputs and not self.paused:
            for t in tree_leaves(out):
                if isinstance(t, torch.Tensor) and t.device.type != NAME and t.dim():
                    raise WrongDevice(f"{name} made a {tuple(t.shape)} tensor on {t.device}; pass device=")
        return out


@contextlib.contextmanager
def fake_gpu(*, guards: bool = False) -> Iterator[Generator]:
    """Everything inside runs on the pretend accelerator; yields the `rng` to pass on.

    Code that waits for a number raises; guards=True lets it ask once whether something is wrong, and nothing is.
    """
    _register()
    with FakeTensorMode(), _Spellings(), _Watch(guards):
        yield Generator()
