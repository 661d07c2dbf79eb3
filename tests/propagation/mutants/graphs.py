"""Wrong physics for the chapter on communities."""

from tests.mutation import Mutant

GRAPHS, WALKS, COMMUNITIES = (f"fieldkit/propagation/{name}.py" for name in ("graphs", "walks", "communities"))
CHAPTER = "book/propagation/graphs.md"

MUTANTS = [
    Mutant(
        "threshold",
        GRAPHS,
        "return (math.sqrt(c) - 1) / (math.sqrt(c) + 1)",
        "return (c - 1) / (c + 1)",
        "noise grows like the signal",
    ),
    Mutant(
        "features",
        GRAPHS,
        "return (size + trace2) / F + from_inputs",
        "return (size + trace2) / F",
        "inputs do not fluctuate",
    ),
    Mutant(
        "features",
        GRAPHS,
        "H = A @ activation(H) @ W / math.sqrt(c)",
        "H = A @ activation(H) @ W / c",
        "a root too few",
    ),
    Mutant(
        "first-layer",
        GRAPHS,
        "upper = (draw < probability).double().triu(1)",
        "upper = (draw < probability).double().triu(0)",
        "nodes call themselves",
    ),
    Mutant(
        "second-layer",
        CHAPTER,
        "    exact[4],\n",
        "    closed,\n",
        "a closed recursion in place of the graph",
    ),
    Mutant("second-layer", WALKS, "if name != names[-1]:", "if name not in names:", "walks that never meet themselves"),
    Mutant(
        "chance",
        GRAPHS,
        "p_in, p_out = probabilities(N, c=c, eps=eps)",
        "p_in, p_out = probabilities(N, c=c, eps=0.5 * eps)",
        "clubs where there should be none",
    ),
    Mutant(
        "second-layer",
        GRAPHS,
        "upper = (draw < probability).double().triu(1)",
        "upper = (draw < probability).double().triu(0)",
        "nodes call themselves",
    ),
    Mutant("chance", CHAPTER, "(4 * hits / N - 1).abs()", "(2 * hits / N).abs()", "an overlap that is not rescaled"),
    Mutant(
        "best",
        COMMUNITIES,
        "u = node[source] - heard[back]",
        "u = node[source]",
        "messages go back where they came from",
    ),
    Mutant(
        "best",
        COMMUNITIES,
        "torch.where(sign < (1 + theta) / 2, 1.0, -1.0)",
        "torch.where(sign < theta, 1.0, -1.0)",
        "the strength of an edge taken for a probability",
    ),
    Mutant(
        "smoothing",
        GRAPHS,
        "K = torch.eye(A.shape[-1], device=A.device, dtype=torch.float64).expand_as(A)",
        "K = torch.ones_like(A)",
        "all nodes begin alike",
    ),
    Mutant(
        "smoothing",
        GRAPHS,
        "H = A @ activation(H) @ W / math.sqrt(c)",
        "H = (A @ activation(H) + activation(H)) @ W / math.sqrt(c)",
        "a node counts among its own neighbours",
    ),
]
