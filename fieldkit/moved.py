"""Names that live elsewhere now: a notebook that was written against their earlier home still finds them.

A module that gave a name away ends in `__getattr__ = moved.names(__name__)` (PEP 562), which nothing but a missing name
ever calls.  New code imports from the new home, which the library's reference shows.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

# Earlier home, then new home, then the names.
HOMES: dict[str, dict[str, tuple[str, ...]]] = {
    "fieldkit.lattice.free": {
        "fieldkit.lattice.free_exact": ("log_partition_function", "mass_gap", "open_propagator", "propagator"),
    },
    "fieldkit.lattice.hmc": {"fieldkit.lattice.dynamics": ("velocity",)},
    "fieldkit.lattice.ising_exact": {
        "fieldkit.lattice.onsager_exact": (
            "onsager_energy", "onsager_free_energy", "onsager_specific_heat", "yang_magnetization",
        ),
    },
    "fieldkit.propagation.convolution": {
        "fieldkit.propagation.random_filters": ("delta_orthogonal_", "sample", "sample_covariance"),
    },
    "fieldkit.propagation.dynamic_mean_field": {
        "fieldkit.propagation.linear_network_exact": ("linear_autocorrelation", "linear_variance", "response_power"),
    },
    "fieldkit.propagation.finite_width": {
        "fieldkit.propagation.finite_width_exact": (
            "linear_kurtosis", "linear_typical", "relu_kurtosis", "relu_tangent", "relu_typical",
        ),
    },
    "fieldkit.propagation.gated": {
        "fieldkit.propagation.gated_networks": ("gru_sample", "lstm_sample", "minimal_sample", "minimal_sensitivity"),
    },
    "fieldkit.propagation.jacobian": {
        "fieldkit.propagation.jacobian_exact": (
            "linear_gaussian_edge", "linear_gaussian_moment", "linear_gaussian_second_moment",
            "relu_orthogonal_edge", "universal_bernoulli_edge", "universal_smooth_edge",
        ),
    },
    "fieldkit.propagation.kernels": {"fieldkit.propagation.kernel_regression": ("gradient_descent", "regress")},
}  # fmt: skip


def names(module: str) -> Callable[[str], Any]:
    """The `__getattr__` of `module`, a key of `HOMES`: it finds a moved name at its new home.

    The function that it returns raises AttributeError for every other name, and where the new home is not installed."""
    homes = {name: home for home, given_away in HOMES[module].items() for name in given_away}

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        try:
            return getattr(importlib.import_module(homes[name]), name)
        except ModuleNotFoundError as error:
            raise AttributeError(f"{module}.{name} lives in {homes[name]}, which is not there") from error

    return find
