"""Wrong prompts, wrong heads and wrong places for the chapter on learning from a prompt."""

from tests.mutation import Mutant

ATTENTION = "fieldkit/transitions/attention.py"
CHAPTER = "book/transitions/in_context.md"
CONTEXT = "fieldkit/transitions/in_context.py"


def signs(claim: str) -> Mutant:
    return Mutant(
        claim,
        CONTEXT,
        "    x = torch.randn(n, N, D, generator=rng, device=rng.device)\n",
        "    x = torch.randn(n, N, D, generator=rng, device=rng.device).sign()\n",
        "inputs of plus and minus one, whose fourth moment is another",
    )


MUTANTS = [
    Mutant("clock", CONTEXT, "/ math.sqrt(D) * torch.eye(D", "* torch.eye(D", "a start that is not balanced"),
    Mutant("clock", CONTEXT, "(w * q).sum(1)\n", "2 * (w * q).sum(1)\n", "answers of another scale"),
    signs("end"),
    Mutant("end", CONTEXT, "return 1 + (D + 1) / N", "return 1 + D / N", "the second moment without its odd one"),
    signs("other-lengths"),
    signs("floor"),
    Mutant("floor", CONTEXT, "return 1 + (D + 1) / N", "return 1 + D / N", "the second moment without its odd one"),
    Mutant("tasks", CONTEXT, "if tasks is None:", "if True:", "a new task in each prompt"),
    Mutant("tasks", CONTEXT, "((1 + 1 / N) * r + r.sum() / N)", "(r + r.mean() / N)", "a mean for a trace"),
    Mutant("many-dimensions", CONTEXT, "y, a = 1 / kappa, 1 / alpha", "y, a = kappa, 1 / alpha", "upside down"),
    Mutant("many-dimensions", CONTEXT, "r.sum() / N)", "r.mean() / N)", "a mean for a trace"),
    Mutant("same-place", CHAPTER, "n = round(per_dimension * d)", "n = round(per_dimension * 45)", "n fixed for n/d"),
    Mutant("place", ATTENTION, "place[1] = -1", "place[1] = 0", "one place left unmarked"),
]
