"""Answers to *A machine of your own* that must get all points, and the errors that must lose theirs.

RIGHT: question -> {what it is: code};  WRONG: question -> {what it is: (code, at most this part, words of the reason)}.
The code runs after the model answers.
"""

from tests.coursework.guesses import always_and_never

AUTOGRAD = """
def force(phi):
    phi = phi.detach().requires_grad_()
    return -torch.autograd.grad(action(phi).sum(), phi)[0]
"""
METROPOLIS = """
def trajectory(phi, step, n, rng):
    phi = phi.clone()
    flat = phi.flatten(1)
    sites = range(flat.shape[1]) if flat.shape[1] < 9 else range(0)
    even = (torch.arange(phi.shape[1])[:, None] + torch.arange(phi.shape[1])) % 2 == 0
    if not len(sites):
        for colour in (even, ~even):
            u = torch.rand(phi.shape, generator=rng, dtype=torch.float64)
            new = torch.where(colour, phi + 2.4 * (u - 0.5), phi)
            def local(x):
                springs = sum((x - x.roll(s, a))**2 for a in (1, 2) for s in (1, -1))
                return stiffness / 2 * springs + mass2 / 2 * x**2 + coupling * x**4 + extra * x**power
            nb = sum(phi.roll(s, a) for a in (1, 2) for s in (1, -1))
            def own(x):
                V = mass2 / 2 * x**2 + coupling * x**4 + extra * x**power
                return stiffness * (2 * x**2 - x * nb) + V
            p = torch.exp(own(phi) - own(new))
            yes = torch.rand(phi.shape, generator=rng, dtype=torch.float64) < p
            phi = torch.where(yes & colour, new, phi)
        return phi
    for x in sites:
        before, old = action(phi), flat[:, x].clone()
        flat[:, x] += 2.4 * (torch.rand(len(phi), generator=rng, dtype=torch.float64) - 0.5)
        no = torch.rand(len(phi), generator=rng, dtype=torch.float64) >= torch.exp(before - action(phi))
        flat[no, x] = old[no]
    return phi
"""
FINER = """
coarse = trajectory

def trajectory(phi, step, n, rng):
    return coarse(phi, step / 2, 2 * n, rng)
"""
SPREAD = """
def estimate(chain):
    means = chain.mean(1)
    return means.mean(), means.std() / len(means)**0.5
"""
BLOCKS = """
def estimate(chain):
    n, T = chain.shape
    if n > 64:
        return chain.mean(), chain.mean(1).std() / n**0.5
    b = chain.reshape(n, 4, T // 4).mean(2).flatten()
    return chain.mean(), b.std() / len(b)**0.5
"""
AR_FIT = """
def estimate(chain):
    x = chain - chain.mean()
    a = float((x[:, 1:] * x[:, :-1]).sum() / (x[:, :-1]**2).sum())
    n, T = chain.shape
    k = torch.arange(1, T)
    factor = 1 + 2 * float(((1 - k / T) * a**k).sum())
    return chain.mean(), (float(x.var()) * factor / (n * T))**0.5
"""
RIGHT = {
    "force": {"autograd": AUTOGRAD},
    "trajectory": {"finer steps": FINER, "Metropolis": METROPOLIS},
    "estimate": {"spread of the chains": SPREAD, "long blocks": BLOCKS, "a fit of the memory": AR_FIT},
}


def changed(function: str, old: str, new: str) -> str:
    """Code that redefines a function of the model answers with one text replaced."""
    return f"CHANGE {function} | {old} | {new}"


WRONG = {
    "force": {
        "the gradient itself": ("f = force\ndef force(phi):\n    return -f(phi)", 0, "minus it"),
        "4 + m^2 in every dimension": (
            "def force(phi):\n"
            "    nb = sum(phi.roll(1, a) + phi.roll(-1, a) for a in range(1, phi.dim()))\n"
            "    slope = 4 * coupling * phi**3 + power * extra * phi**(power - 1)\n"
            "    return stiffness * (nb - 4 * phi) - mass2 * phi - slope",
            0.34,
            "4 of two dimensions",
        ),
        "no power before phi^(k-1)": (
            "f = force\ndef force(phi):\n    return f(phi) + (power - 1) * extra * phi**(power - 1)",
            0,
            "lacks its power",
        ),
        "the last term forgotten": (
            "f = force\ndef force(phi):\n    return f(phi) + power * extra * phi**(power - 1)",
            0,
            "last term of your action is missing",
        ),
        "no 4 before lambda": (
            "f = force\ndef force(phi):\n    return f(phi) + 3 * coupling * phi**3", 0, "lacks its 4"
        ),
        "nothing returned": ("def force(phi):\n    phi**2", 0, "None"),
    },
    "trajectory": {
        "no accept step": (changed("trajectory", "yes = u <", "yes = u < 2 +"), 0.31, "bars off ("),
        "accepts with exp(+dH)": (changed("trajectory", "torch.exp(-change)", "torch.exp(change)"), 0.31, "bars off ("),
        "cold momenta": (
            changed("trajectory", "torch.float64)\n    before", "torch.float64) * 0.7\n    before"),
            0.31,
            "bars off (",
        ),
        "no momenta in the energy": (
            changed("trajectory", "before = action(phi) + 0.5 * (pi**2).flatten(1).sum(1)", "before = action(phi)"),
            0.31,
            "bars off (",
        ),
        "g forgotten": ("extra = 0.0", 0.31, "bars off ("),
        "does not move": ("def trajectory(phi, step, n, rng):\n    return phi", 0.7, "bars off ("),
        "a wild value with a wide bar": (
            "def trajectory(phi, step, n, rng):\n    return 1e20 * torch.randn(phi.shape, generator=rng).double()",
            0,
            "bars off (",
        ),
        "one chain copied": (
            "t = trajectory\ndef trajectory(phi, step, n, rng):\n    return t(phi, step, n, rng)[:1].expand(phi.shape)",
            0.31,
            "bars off (",
        ),
    },
    "estimate": {
        "no autocorrelation": (
            "def estimate(chain):\n    return chain.mean(), chain.std() / chain.numel()**0.5", 0, "how long the chain"
        ),
        "short blocks": (
            "def estimate(chain):\n    b = chain.reshape(len(chain), -1, 5).mean(2).flatten()\n"
            "    return chain.mean(), b.std() / len(b)**0.5",
            0,
            "how long the chain",
        ),
        "sqrt 2 too small": (
            "e = estimate\ndef estimate(c):\n    return e(c).value, e(c).error / 2**0.5", 0, "too small"
        ),
        "twice too large": ("e = estimate\ndef estimate(c):\n    return e(c).value, e(c).error * 2", 0, "too large"),
        "each chain's own mean": (
            "def estimate(chain):\n    x = chain - chain.mean(1, keepdim=True)\n    n, T = x.shape\n"
            "    G = [float((x[:, : T - k] * x[:, k:]).mean()) for k in range(min(60, T - 1))]\n"
            "    s = G[0] + 2 * sum((1 - k / T) * g for k, g in enumerate(G) if k)\n"
            "    return chain.mean(), (max(s, 1e-9) / (n * T))**0.5",
            0.95,
            "too small",
        ),
        "one chain only": ("def estimate(chain):\n    return gamma_method(chain[:1]).mean", 0.1, ""),
        "no error": ("def estimate(chain):\n    return chain.mean()", 0, ""),
    },
    "is_correct": {
        **always_and_never("is_correct"),
        "a coin": (
            "import random\ncoin = random.Random(4)\ndef is_correct(step):\n    return coin.random() < 0.5",
            0,
            "condemned",
        ),
        "a wild value with its own bar": (
            "def is_correct(step):\n"
            "    rng = torch.Generator().manual_seed(5)\n"
            "    phi = 0.3 * torch.randn(2048, 2, 2, generator=rng, dtype=torch.float64)\n"
            "    for _ in range(30):\n        phi = step(phi)\n"
            "    law = (-phi * force(phi)).mean((1, 2)) - 1\n"
            "    return bool((law.mean() / (law.std() / len(law)**0.5)).abs() < 4)",
            0.81,
            "",
        ),
    },
}  # fmt: skip
