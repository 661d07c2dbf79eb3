"""Run one chapter with papermill in a kernel of its own, and rename the result into place when it is complete."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import threading
import time
import traceback
from datetime import UTC, datetime
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from fieldkit import viewer
from tools import cache, chapters, faults, sources


def environment(root: Path, chapter: str) -> dict[str, str]:
    """The kernel's: this python's own kernel, nobody's private configuration, and one thread, so that the numbers do
    not depend on how many cores the machine has."""
    private = root / "_build" / "kernels" / chapter
    profile = private / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    # the kernel warns on every start that it talks to us in plain text; it does so on this machine only
    quiet = "get_config().IPKernelApp.log_level = 'CRITICAL'\n"
    (profile / "ipython_kernel_config.py").write_text(quiet, encoding="utf-8")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON", "MPL", "PYTHON"))}
    return kept | {
        "JUPYTER_CONFIG_DIR": str(private / "config"),
        "JUPYTER_DATA_DIR": str(private / "data"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(private / "ipython"),
        "MPLCONFIGDIR": str(root / "_build" / "matplotlib"),
        "OMP_NUM_THREADS": "1",
        viewer.BUILD: "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONPATH": str(root),
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
    }


def execute(chapter: str, run: cache.Run, parent: int, told: SimpleQueue[str]) -> None:
    """Run in a process of its own; a fault goes to the queue.  The kernel ends with this process, this process with
    its parent."""
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    try:
        os.environ.update(variables := environment(run.root, chapter))
        for name in set(os.environ) - set(variables):
            del os.environ[name]
        fault = attempt(chapter, run)
    except OSError as error:
        fault = faults.of_the_disk(error)
    except Exception as error:
        fault = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
    if fault:
        told.put(f"book/{chapter}.md: {fault}")


def attempt(chapter: str, run: cache.Run) -> str:
    """Run the chapter and keep the result; return what went wrong, empty for nothing."""
    import nbclient.exceptions
    import papermill.engines  # only now: it reads the environment

    target, nb, start = cache.executed(chapter, run), cache.notebook(run.root, chapter), time.monotonic()
    scratch = run.root / "_build" / "scratch" / f"{chapter}-{target.stem.rpartition('-')[2]}"
    at = ""

    class Told(papermill.engines.NBClientEngine):
        """Knows the cell that it is at, and says now and then how far it is."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            begin, said = nb_man.cell_start, start

            def begun(cell: NotebookNode, cell_index: int = 0, **rest: Any) -> None:
                nonlocal at, said
                at = cell.source
                if time.monotonic() - said > 10:
                    said = time.monotonic()
                    say(chapter, f"{cell_index} of {len(nb_man.nb.cells)} cells, {said - start:.0f} s")
                begin(cell, cell_index, **rest)

            nb_man.cell_start = begun
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    papermill.engines.papermill_engines.register("told", Told)
    papermill.log.logger.disabled = True  # every fault has a line of our own
    scratch.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    # what C libraries say as they end; of interest after a death only
    with (scratch / "stderr").open("w", encoding="utf-8") as words:
        os.dup2(words.fileno(), 2)
    aside = target.with_suffix(".part.ipynb")
    parameters = {"profile": run.profile, "device": run.device, "seed": run.seed}
    how = {"engine_name": "told", "kernel_name": "python3", "cwd": str(scratch), "progress_bar": False}
    say(chapter, "started")
    try:
        # at once: what torch has loaded takes half a second to put away
        done = papermill.execute_notebook(nb, str(aside), parameters, shutdown_kernel="immediate", **how)
    except papermill.exceptions.PapermillExecutionError as error:
        why = (error.evalue.splitlines() or ["no message"])[0]  # as of a bare assert
        return f"cell {number(run, chapter, error.source)}: {error.ename}: {why}\n{error}"
    except nbclient.exceptions.DeadKernelError:
        last = (scratch / "stderr").read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
        died = faults.ended(-signal.SIGKILL) + (last and f"; its last words: {last}")
        return f"cell {number(run, chapter, at)}: its kernel {died}"
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = {"wall": round(time.monotonic() - start, 1), "cpu": round(used.ru_utime + used.ru_stime, 1)}
    date = f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
    tidy(done, parameters | {"seconds": seconds, "commit": sources.commit(run.root), "date": date})
    aside.write_text(nbformat.writes(done, version=4), encoding="utf-8")
    aside.rename(target)
    shutil.rmtree(scratch)
    say(chapter, f"finished in {seconds['wall']:.0f} s ({seconds['cpu']:.0f} s of CPU)")
    return ""


def number(run: cache.Run, chapter: str, source: str) -> int:
    """Which of the chapter's code cells has this source, counted from 1."""
    cells = chapters.read(chapters.source(run.root, chapter)).cells
    return [c.source for c in cells if c.cell_type == "code"].index(source) + 1


def tidy(nb: NotebookNode, record: dict[str, object]) -> None:
    """Leave nothing of papermill, hide the injected parameters, and note the run."""
    for part in [nb, *nb.cells]:
        part.metadata.pop("papermill", None)
    for cell in nb.cells:
        if chapters.tagged(cell, "injected-parameters"):
            cell.metadata.tags.append("remove-cell")
        cell.metadata.pop("execution", None)
    chapters.number_cells(nb)
    nb.metadata[cache.RECORD] = record


def end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def say(chapter: str, what: str) -> None:
    print(f"{datetime.now():%H:%M:%S}  {chapter:<28}{what}", flush=True)
