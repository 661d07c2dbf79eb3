"""What will I get?  The very marking, on one's own machine or on Colab, with seeds that everybody knows.

    rehearse("lattice/machine")      in the last cell: asks the functions of this notebook, prints points and why

No sandbox: it is one's own code.  Hidden seeds differ, so a point that hangs on luck may fall otherwise.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from coursework import assignments, calls
from coursework.draws import Draws
from coursework.marking import Result, Wrong, answered, checked, question


@dataclass
class Own:
    """As `marking.Ask`, for functions in this very process."""

    names: dict[str, Any]

    def __call__(
        self, name: str, arguments: Sequence[Any], answers: str = "array", *, times: int = 1, seconds: float = 30.0
    ) -> Any:
        described, arrays = calls.described(arguments)
        box = next((a for a in arguments if callable(a)), None)

        def outside(*given: Any) -> Any:
            said = answered(box, [torch.as_tensor(g, dtype=torch.float64).detach().numpy() for g in given])  # type: ignore[arg-type]
            if isinstance(said, str):
                raise RuntimeError(said)
            found = [torch.from_numpy(a) for a in said]
            return found[0] if len(found) == 1 else tuple(found)

        request = {"name": name, "arguments": described, "answers": answers, "times": times}
        try:
            return checked(name, calls.called(self.names, request, arrays, outside), answers)
        except Wrong:
            raise
        except Exception as error:
            raise Wrong(f"{name} raised {type(error).__name__}: {str(error)[:300]}") from None


def rehearse(assignment: str, names: dict[str, Any] | None = None) -> Result:
    """Mark the functions in `names`, this notebook's if not given, and print a line for each question.

    Raises `NameError` when the cell with the student's numbers was not run.
    """
    if names is None:
        frame = inspect.currentframe()
        assert frame is not None and frame.f_back is not None
        names = frame.f_back.f_globals
    module = assignments.find(assignment)
    absent = [n for n in module.NAMES if n not in names]
    if absent:
        raise NameError(f"{', '.join(absent)}: run the cell with your numbers first; it begins with your name.")
    result = Result("you")
    draws = Draws(b"rehearsal: everybody knows this", module.NAME, str(names.get("student", "")))
    theory = module.theory({n: names[n] for n in module.NAMES})
    for task in module.TASKS:
        question(result, task, Own(names), draws, theory)
        points, of, said = result.marks[task.name]
        print(f"{task.name:12s} {points:5.2f} / {of:g}   {said}", flush=True)
    print(f"{'in all':12s} {result.total:5.2f} / {sum(t.points for t in module.TASKS):g}   (with these seeds)")
    return result
