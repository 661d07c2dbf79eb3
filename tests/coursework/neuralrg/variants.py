"""Answers to *An honest flow* that must get all points, and the errors that must lose theirs."""

from tests.coursework.guesses import always_and_never

AUTOGRAD = """
def log_det(z):
    found = []
    for row in z:
        J = torch.autograd.functional.jacobian(lambda r: layer(r[None])[0], row)
        found.append(torch.linalg.slogdet(J)[1])
    return torch.stack(found)
"""
BLOCKS = """
def ln_z(log_w):
    w = torch.exp(log_w - log_w.max()).reshape(200, -1).mean(1)
    return log_w.max() + torch.log(w.mean()), w.std() / w.mean() / 200**0.5
"""
BOOTSTRAP = """
def square(x, log_w):
    rng = torch.Generator().manual_seed(0)
    w, o = torch.exp(log_w - log_w.max()), (x**2).mean(1)
    i = torch.randint(len(w), (300, len(w)), generator=rng)
    again = (w[i] * o[i]).sum(1) / w[i].sum(1)
    return (w * o).sum() / w.sum(), again.std()
"""
FLIPPED = """
def is_honest(draw):
    c = torch.tensor([c1, c2], dtype=torch.float64)
    rows = torch.cat([draw(20000) for _ in range(4)])
    x, log_q = rows[:, :2], rows[:, 2]
    wells = [-((x - side * c)**2).sum(1) / (2 * s * s) for side in (1, -1)]
    w = torch.exp(torch.logaddexp(*wells) - log_q)
    Z = 4 * math.pi * s * s
    n = torch.randn(200000, 2, generator=torch.Generator().manual_seed(2)).double() * s
    y = n + torch.where(torch.arange(200000) % 2 == 0, 1.0, -1.0)[:, None] * c
    for inside in (lambda v: v @ c > 0, lambda v: v @ c < 0, lambda v: v[:, 1] > 0, lambda v: v[:, 0] > c1):
        p = float(inside(y).double().mean())
        got = w * inside(x) / Z
        if abs(float(got.mean()) - p) > 4.5 * (float(got.var()) / len(got) + p / 200000)**0.5:
            return False
    return True
"""
RIGHT = {
    "log_det": {"autograd": AUTOGRAD},
    "ln_z": {"blocks": BLOCKS},
    "square": {"bootstrap": BOOTSTRAP},
    "is_honest": {"parts of the plane": FLIPPED},
}
WRONG = {
    "layer": {
        "without the squash": ("def layer(z):\n    return coupled(z)[0]", 0, "off by"),
        "the left neighbour twice": (
            "def coupled(z):\n    m = z[:, 0::2]\n    k = alpha * torch.tanh(beta * m)\n    y = z.clone()\n"
            "    y[:, 1::2] = z[:, 1::2] * torch.exp(k) + gamma * m**2\n    return y, k",
            0,
            "off by",
        ),
    },
    "log_det": {
        "the sign": ("old = log_det\ndef log_det(z):\n    return -old(z)", 0, "inverse map"),
        "no Jacobian of the squash": ("def log_det(z):\n    return coupled(z)[1].sum(1)", 0, "squash stretches too"),
        "the squash at z": (
            "def log_det(z):\n    return coupled(z)[1].sum(1) + torch.log(1 + 3 * kappa * z**2).sum(1)", 0, "acts on y"
        ),
        "the determinant": ("old = log_det\ndef log_det(z):\n    return torch.exp(old(z))", 0, "not its logarithm"),
    },
    "ln_z": {
        "the spread of ln w": (
            "def ln_z(w):\n    return torch.logsumexp(w, 0) - math.log(len(w)), w.std() / len(w)**0.5", 0.9, ""
        ),
        "the mean of ln w": ("def ln_z(w):\n    return w.mean(), w.std() / len(w)**0.5", 0, ""),
        "the bar of w": (
            "old = ln_z\ndef ln_z(w):\n    return old(w)[0], torch.exp(w).std() / len(w)**0.5", 0.3, "bars"
        ),
    },
    "square": {
        "not weighted": (
            "def square(x, w):\n    o = (x**2).mean(1)\n    return o.mean(), o.std() / len(o)**0.5", 0, ""
        ),
        "the bar of draws that are not weighted": (
            "old = square\ndef square(x, w):\n    return old(x, w)[0], (x**2).mean(1).std() / len(x)**0.5", 0.5, "bars"
        ),
    },
    "is_honest": {
        **always_and_never("is_honest"),
        "the effective sample size": (
            "def is_honest(draw):\n    rows = draw(20000)\n    x, q = rows[:, :2], rows[:, 2]\n"
            "    c = torch.tensor([c1, c2], dtype=torch.float64)\n"
            "    S = [-((x - side * c)**2).sum(1) / (2 * s * s) for side in (1, -1)]\n"
            "    w = torch.softmax(torch.logaddexp(*S) - q, 0)\n    return bool(1 / (w**2).sum() > 0.3 * len(w))",
            0.41,
            "",
        ),
    },
}  # fmt: skip
