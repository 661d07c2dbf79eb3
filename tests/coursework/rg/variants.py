"""Answers to *Your own blocking* that must get all points, and the errors that must lose theirs."""

from tests.coursework.guesses import always_and_never

FOURIER = """
def after(u):
    w = torch.fft.fft(matrix(u)[0].to(torch.complex128))
    row = torch.fft.ifft(w**b).real[:q // 2 + 1].log()
    return torch.cat([row[:1], row[1:] - row[0]])
"""
LOOP = """
def block(s, rng):
    n, L, _ = s.shape
    out = torch.zeros(n, L // b, L // b, dtype=torch.float64)
    for i in range(L // b):
        for j in range(L // b):
            m = s[:, i * b:(i + 1) * b, j * b:(j + 1) * b].sum((1, 2))
            out[:, i, j] = torch.sign(m + torch.rand(n, generator=rng).double() - 0.5)
    return out
"""
RIGHT = {"decimate": {"Fourier": FOURIER}, "block": {"loops": LOOP}, "is_right": {"Fourier": FOURIER}}
WRONG = {
    "decimate": {
        "one power less": ("b = b - 1", 0, "T^b"),
        "the constant lost": (
            "old = decimate\ndef decimate(K):\n    x = old(K)\n    x[0] = 0\n    return x", 0, "constant g"
        ),
        "base ten": ("old = decimate\ndef decimate(K):\n    return old(K) / math.log(10)", 0, "natural logarithm"),
        "not relative": (
            "old = decimate\ndef decimate(K):\n    x = old(K)\n    x[1:] += x[0]\n    return x", 0, "equal spins"
        ),
    },
    "free_energy": {
        "with its sign": ("old = free_energy\ndef free_energy(K):\n    return -old(K)", 0, "the sign is not"),
        "to base ten": ("old = free_energy\ndef free_energy(K):\n    return old(K) / math.log(10)", 0, "natural log"),
    },
    "block": {
        "a site for all": ("def block(s, rng):\n    return s[:, ::b, ::b]", 0, "majority"),
        "ties always up": (
            "def block(s, rng):\n    m = s.reshape(len(s), -1, b, s.shape[2] // b, b).sum((2, 4))\n"
            "    return torch.where(m >= 0, 1.0, -1.0).double()",
            0.5,
            "a bias",
        ),
    },
    "coupling": {
        "one count only": (
            "old = coupling\ndef coupling(s):\n    turn = (s[:, 1:] - s[:, :-1]) % q\n"
            "    return old(s)[0], ((turn == 0).sum().double())**-0.5",
            0.6,
            "",
        ),
        "chains as the only witnesses": (
            "old = coupling\ndef coupling(s):\n    return old(s)[0], old(s)[1] * 7", 0, "large"
        ),
        "the two ways around as one": (
            "old = coupling\ndef coupling(s):\n    return old(s)[0] + math.log(2), old(s)[1]", 0, ""
        ),
    },
    "is_right": {
        **always_and_never("is_right"),
        "that it shrinks": (
            "def is_right(step):\n    u = couplings(0.5)\n    return bool((step(u).abs() < u.abs().max()).all())",
            0.81,
            "",
        ),
    },
}  # fmt: skip
