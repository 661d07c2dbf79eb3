"""Wrong physics for the chapter on the network's Lagrangian."""

from tests.mutation import Mutant
from tests.nnft.networks import TRUNCATED

CHAPTER = "book/nnft/lagrangian.md"
ACTION, BEYOND, ENSEMBLES, EXACT, WICK = (
    f"fieldkit/nnft/{name}.py" for name in ("action", "beyond", "ensembles", "exact", "wick")
)

MUTANTS = [
    Mutant(
        "quadratic",
        ACTION,
        "domain.nodes.to(x.device)) - ensemble.sb2",
        "domain.nodes.to(x.device)) - ensemble.sb2 + x / 20",
        "legs that are not even in the inputs",
    ),
    Mutant("quadratic", CHAPTER, "(4 * once - twice) / 3", "twice", "the next order is not removed"),
    Mutant(
        "misfit",
        ENSEMBLES,
        "return (ensemble.sw2 / x.shape[1]) * x @ y.T + ensemble.hidden_sb2",
        "return (ensemble.sw2 / x.shape[1]) * x @ y.T",
        "the hidden bias is forgotten",
    ),
    Mutant(
        "rank-one",
        ACTION,
        "return -24 * _rows(ab * weights, ab, place)",
        "return -_rows(ab * weights, ab, place)",
        "the factorial is forgotten",
    ),
    Mutant(
        "rank-one",
        ACTION,
        "return -24 * _rows(ab * weights, ab, place)",
        "return 24 * _rows(ab * weights, ab, place)",
        "wrong sign of the coupling",
    ),
    Mutant(
        "own-theory",
        EXACT,
        "for (a, b), (c, d) in wick.pairings(4):",
        "for (a, b), (c, d) in wick.pairings(4)[:2]:",
        "a pairing is missing",
    ),
    Mutant(
        "own-theory",
        "fieldkit/estimates.py",
        "(n - 1) / n * spread.T @ spread",
        "1 / n * spread.T @ spread",
        "the jackknife without its factor",
    ),
    Mutant(
        "bound",
        WICK,
        "named = torch.stack([place(index[:, list(pair)], m) for pair in pairing], -1)",
        "named = torch.stack([place(index[:, list(pair)], m) for pair in pairings(4)[0]], -1)",
        "the first pairing three times",
    ),
    Mutant(
        "vertex",
        ACTION,
        'return -torch.einsum("abcd,ai,bj,ck,dl->ijkl", tensor, inverse, inverse, inverse, inverse) / 24',
        'return torch.einsum("abcd,ai,bj,ck,dl->ijkl", tensor, inverse, inverse, inverse, inverse) / 24',
        "wrong sign of the coupling",
    ),
    Mutant(
        "vertex",
        ACTION,
        "inverse, inverse, inverse, inverse) / 24",
        "inverse, inverse, inverse, inverse)",
        "the factorial is forgotten",
    ),
    Mutant(
        "density", BEYOND, "- width * math.log(2)", "- width * math.log(2.1)", "neurons that are on less often than off"
    ),
    Mutant(
        "density",
        ENSEMBLES,
        "(ensemble.sw2 / h.shape[2])",
        "(ensemble.sw2 / (h.shape[2] + 1))",
        "the bias counted in the fan-in",
    ),
    Mutant("linear", BEYOND, "c = scale / math.sqrt(width)", "c = scale / width", "the width without its root"),
    Mutant("misfit", *TRUNCATED),
    Mutant("density", *TRUNCATED),
    Mutant("misfits", *TRUNCATED),
    Mutant(
        "misfits",
        WICK,
        "return kappa[entries].sum(0)",
        "return kappa[entries][:2].sum(0)",
        "two pairings of three",
    ),
]
