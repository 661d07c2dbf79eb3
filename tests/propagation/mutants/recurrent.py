"""Wrong loops, wrong memories, wrong wells: each must break the claim it stands for."""

from tests.mutation import Mutant

LOOPS, TABLE, BALL = (f"fieldkit/propagation/{name}.py" for name in ("recurrent", "two_time", "dynamic_mean_field"))

MUTANTS = [
    Mutant(
        "tied-exponent",
        LOOPS,
        "h, v = (torch.cat([phi(x), phi.derivative(x) * v], 1) @ J.mT).chunk(2, 1)",
        "h, v = (torch.cat([phi(x), v], 1) @ J.mT).chunk(2, 1)",
        "the tangent passes the neurons without their slope",
    ),
    Mutant(
        "tied-exponent",
        LOOPS,
        "return q, 0.5 * torch.log(",
        "return q, torch.log(",
        "growth of the squared distance taken for that of the distance",
    ),
    Mutant(
        "drift",
        LOOPS,
        "return torch.cat([phi(x), phi.derivative(x) * v], 1) @ J.mT - y",
        "return torch.cat([phi(x), phi.derivative(x) * v], 1) @ J.mT - torch.cat([x, 0.9 * v], 1)",
        "a tangent that leaks less than the state",
    ),
    Mutant("drift", BALL, "return -1 + math.sqrt(1 - E0)", "return -E0", "the level taken for the exponent"),
    Mutant(
        "disc",
        LOOPS,
        "return g / math.sqrt(N) * gaussian.normal((n, N, N), rng)",
        "J = gaussian.normal((n, N, N), rng); return g / math.sqrt(2 * N) * (J + J.mT)",
        "a symmetric matrix, whose eigenvalues are real and reach 2 g",
    ),
    Mutant("disc", LOOPS, "return (x - math", "return (x + math", "sector and triangle added"),
    Mutant("fresh-leak", TABLE, "if step and not tied:", "if step < 0:", "the deep network keeps its first matrix"),
    Mutant(
        "fresh-leak",
        TABLE,
        "C[t + 1, t + 1] = (1 - h) ** 2 * C[t, t] +",
        "C[t + 1, t + 1] = (1 - h) * C[t, t] +",
        "the memory of the variance is 1 - h in place of its square",
    ),
    Mutant("tied-leak", TABLE, "+ 2 * h * (1 - h) * A[t] +", "+", "state and kick added as if independent"),
    Mutant(
        "tied-leak",
        TABLE,
        "C[t + 1, t + 1] = (1 - h) ** 2 * C[t, t] +",
        "C[t + 1, t + 1] = (1 - h) * C[t, t] +",
        "the memory of the variance is 1 - h in place of its square",
    ),
    Mutant("two-time", TABLE, "(1 - h) * C[t, : t + 1] + h * A", "(1 - h) * C[t, : t + 1]", "the kick has no memory"),
    Mutant(
        "zero-mode",
        BALL,
        "well = 1 - state.g**2 * slope_correlation",
        "well = 1 - state.g * slope_correlation",
        "one power of the gain in the well",
    ),
    Mutant(
        "zero-mode",
        BALL,
        "+ parity * kinetic(index[:, None] + index)",
        "+ kinetic(index[:, None] + index)",
        "an odd state with the mirror image of an even one",
    ),
    Mutant("onset", BALL, "return -1 + math.sqrt(1 - E0)", "return -E0", "the level taken for the exponent"),
    Mutant(
        "onset", BALL, "well = 1 - state.g**2 * slope_correlation", "well = 1 - state.g * slope_correlation", "one g"
    ),
    Mutant(
        "variance",
        BALL,
        "return 2 * g**2 * (_squares(phi, Delta, n_modes) / order).sum().item() / Delta - 1",
        "return g**2 * _squares(phi, Delta, n_modes).sum().item() / Delta - 1",
        "the variance of a state that does not move, g^2 <phi^2>",
    ),
    Mutant(
        "rolling",
        BALL,
        "return [math.sqrt(value / (1 + c))]",
        "return [math.sqrt(2 * value)]",
        "no kinetic mass in the energy of the particle",
    ),
    Mutant(
        "ball-3",
        BALL,
        "return [math.sqrt(value / (1 + c))]",
        "return [math.sqrt(2 * value)]",
        "no kinetic mass in the energy of the particle",
    ),
    Mutant(
        "ball-2",
        LOOPS,
        "y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + speed(y + h * k3))",
        "y = y + h / 3 * (k1 + k2 + k3 + speed(y + h * k3))",
        "a step longer than the clock says",
    ),
    Mutant("lyapunov", BALL, "return -1 + math.sqrt(1 - E0)", "return -E0", "the level taken for the exponent"),
    Mutant(
        "lyapunov",
        LOOPS,
        "return torch.cat([phi(x), phi.derivative(x) * v], 1) @ J.mT - y",
        "return torch.cat([phi(x), phi.derivative(x) * v], 1) @ J.mT - torch.cat([x, 0 * v], 1)",
        "a tangent that does not leak",
    ),
]
