"""Run one chapter with papermill in a kernel of its own, and rename the result into place when it is complete."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
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
from tools import cache, chapters


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


def execute(chapter: str, run: cache.Run, parent: int, faults: SimpleQueue[str]) -> None:
    """Run in a process of its own; a fault goes to the queue.  The kernel ends with this process, this process with
    its parent."""
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    os.environ.update(variables := environment(run.root, chapter))
    for name in set(os.environ) - set(variables):
        del os.environ[name]
    import papermill.engines  # only now: it reads the environment

    class Told(papermill.engines.NBClientEngine):
        """Says now and then how far it is."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            complete, said = nb_man.cell_complete, [time.monotonic()]

            def told(cell: NotebookNode, cell_index: int = 0, **rest: Any) -> None:
                complete(cell, cell_index, **rest)
                if time.monotonic() - said[0] > 10:
                    said[0] = time.monotonic()
                    say(chapter, f"{cell_index + 1} of {len(nb_man.nb.cells)} cells, {said[0] - start:.0f} s")

            nb_man.cell_complete = told
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    papermill.engines.papermill_engines.register("told", Told)
    target, nb, start = cache.executed(chapter, run), cache.notebook(run.root, chapter), time.monotonic()
    scratch = run.root / "_build" / "scratch" / f"{chapter}-{target.stem.rpartition('-')[2]}"
    scratch.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_suffix(".part.ipynb")
    parameters = {"profile": run.profile, "device": run.device, "seed": run.seed}
    say(chapter, "started")
    try:
        done = papermill.execute_notebook(
            nb, str(aside), parameters, engine_name="told", kernel_name="python3", cwd=str(scratch), progress_bar=False
        )
    except papermill.exceptions.PapermillExecutionError as error:
        sources = [c.source for c in chapters.read(chapters.source(run.root, chapter)).cells if c.cell_type == "code"]
        cell = sources.index(error.source) + 1
        why = (error.evalue.splitlines() or ["no message"])[0]  # as of a bare assert
        faults.put(f"book/{chapter}.md: cell {cell}: {error.ename}: {why}\n{error}")
        return
    except Exception as error:
        faults.put(f"book/{chapter}.md: {type(error).__name__}: {error}\n{traceback.format_exc()}")
        return
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = {"wall": round(time.monotonic() - start, 1), "cpu": round(used.ru_utime + used.ru_stime, 1)}
    date = f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
    tidy(done, parameters | {"seconds": seconds, "commit": commit(run.root), "date": date})
    aside.write_text(nbformat.writes(done, version=4), encoding="utf-8")
    aside.rename(target)
    shutil.rmtree(scratch)
    say(chapter, f"finished in {seconds['wall']:.0f} s ({seconds['cpu']:.0f} s of CPU)")


def tidy(nb: NotebookNode, record: dict[str, object]) -> None:
    """Leave nothing of papermill, hide the injected parameters, and note the run."""
    for part in [nb, *nb.cells]:
        part.metadata.pop("papermill", None)
    for cell in nb.cells:
        if chapters.tagged(cell, "injected-parameters"):
            cell.metadata.tags.append("remove-cell")
        cell.metadata.pop("execution", None)
    chapters.number_cells(nb)
    nb.metadata["fieldkit-run"] = record


def commit(root: Path) -> str:
    """The commit that is checked out at `root`; "-" for a copy without its history, or on a machine without git."""
    if shutil.which("git") is None:
        return "-"
    git = subprocess.run(["git", "-C", root, "rev-parse", "--short", "HEAD"], capture_output=True, encoding="utf-8")
    return git.stdout.strip() if git.returncode == 0 else "-"


def end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def say(chapter: str, what: str) -> None:
    print(f"{datetime.now():%H:%M:%S}  {chapter:<28}{what}", flush=True)
