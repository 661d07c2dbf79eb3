"""Live controls in a real JupyterLab: moved by keyboard, the picture follows, everybody can use them."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.site.conftest import ROOT

pytest.importorskip("jupyterlab")
pytest.importorskip("anywidget")

CELL = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from fieldkit import live, plots, sliders
plots.use_style()

def draw(mass, side, begin):
    if mass > 2.2:
        raise ValueError("too heavy for this line; choose 2.2 or less.")
    figure, (left, right) = plots.plt.subplots(1, 2)
    left.plot(range(side), [mass * x for x in range(side)])
    right.set(ylim=(0, 3), title=begin)
    right.axhline(mass)
    return figure

live.explore(draw, tour=[{{"mass": 1.0, "side": 4, "begin": "cold"}}],
             alt="A line for mass {{mass}} on {{side}} sites, {{begin}}.",
             labels={{"mass": "mass m"}}, mass=(0.5, 2.5), side=(2, 16), begin=["cold", "hot"])
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab of our own with one notebook; nobody's configuration, no token, no network."""
    home = tmp_path_factory.mktemp("lab")
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL.strip())])
    nb.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(nb, home / "live.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON", "FIELDKIT"))}
    own = {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", f"--ServerApp.root_dir={home}"]
    options += ["--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"]  # the tests end a kernel by hand
    quiet = ["--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    command = [sys.executable, "-m", "jupyterlab", *options, *quiet]
    environment = kept | own | {"IPYTHONDIR": str(home / "ipython")}
    with open(home / "log", "w", encoding="utf-8") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{base}/api", timeout=5)
                break
            except OSError:
                time.sleep(0.5)
        yield base
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def explorer(lab: str, browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1200, "height": 1400})
    page.goto(f"{lab}/lab/tree/live.ipynb?reset", timeout=120_000)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=120_000)
    page.wait_for_selector("#jp-main-statusbar >> text=Idle", timeout=120_000)
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    prompt = page.locator(".jp-CodeCell .jp-InputPrompt").first
    for _ in range(10):  # a kernel that has only just started drops what it is sent
        if prompt.inner_text().strip() == "[ ]:":
            page.keyboard.press("Control+Enter")
            page.wait_for_timeout(3000)
    page.wait_for_selector(".fk-slider img[alt]", timeout=120_000)
    yield page
    page.close()


def press(page: Page, control: str, *keys: str) -> tuple[str, str]:
    """(what the control shows, alternative text of the picture) when the picture has followed."""
    box = page.locator(".fk-slider")
    target, before = box.get_by_label(control, exact=True), box.locator("img").get_attribute("src")
    target.focus()
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_function("b => document.querySelector('.fk-slider img').src !== b", arg=before, timeout=20_000)
    page.wait_for_timeout(700)
    assert page.evaluate("document.activeElement.type") == "range"  # JupyterLab did not take the key
    return target.get_attribute("aria-valuetext") or "", box.locator("img").get_attribute("alt") or ""


def test_the_picture_follows_the_keys(explorer):
    assert explorer.locator(".fk-slider img").get_attribute("alt") == "A line for mass 1 on 4 sites, cold."
    assert press(explorer, "mass m", "ArrowRight") == ("1.01", "A line for mass 1.01 on 4 sites, cold.")
    assert press(explorer, "side", "ArrowUp", "ArrowUp", "ArrowUp") == ("7", "A line for mass 1.01 on 7 sites, cold.")
    assert press(explorer, "begin", "End") == ("hot", "A line for mass 1.01 on 7 sites, hot.")


def test_a_move_is_answered_at_once(explorer):
    """What the kernel spends on a move is a law of tests/test_live.py; this is the way through Lab and back."""
    times = []
    for _ in range(9):
        before, start = explorer.locator(".fk-slider img").get_attribute("src"), time.monotonic()
        explorer.locator(".fk-slider").get_by_label("mass m").focus()
        explorer.keyboard.press("ArrowRight")
        explorer.wait_for_function(
            "b => document.querySelector('.fk-slider img').src !== b", arg=before, timeout=20_000
        )
        times.append(time.monotonic() - start)
    print("seconds a move:", *(f"{t:.2f}" for t in sorted(times)))
    assert sorted(times)[0] < 1, times


def test_many_quick_moves_end_on_the_last(explorer):
    shown, alt = press(explorer, "mass m", "Home", *["ArrowRight"] * 12)
    assert shown == "0.62"
    explorer.wait_for_function(
        "() => document.querySelector('.fk-slider img').alt.includes('mass 0.62')", timeout=20_000
    )


def test_a_refusal_is_read_below_the_picture_which_stays(explorer):
    box = explorer.locator(".fk-slider")
    alt = box.locator("img").get_attribute("alt")
    box.get_by_label("mass m").focus()
    explorer.keyboard.press("End")
    explorer.wait_for_function("() => document.querySelector('.fk-slider p[role=status]').innerText.includes('2.2')")
    assert box.locator("img").get_attribute("alt") == alt
    press(explorer, "mass m", "Home")
    assert box.locator("p[role=status]").inner_text() == ""


def test_everybody_can_use_it(explorer):
    found = Axe().run(explorer, context=".fk-slider").response["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found] == []


def test_a_kernel_that_is_gone_is_said(explorer, lab):
    with urllib.request.urlopen(f"{lab}/api/kernels") as answer:
        (name,) = re.findall(r'"id": *"([^"]+)"', answer.read().decode())
    before = explorer.locator(".fk-slider").get_by_label("side")
    urllib.request.urlopen(urllib.request.Request(f"{lab}/api/kernels/{name}", method="DELETE"))
    before.focus()
    explorer.keyboard.press("ArrowRight")
    said = "() => document.querySelector('.fk-slider p[role=status]').innerText.includes('not answer')"
    explorer.wait_for_function(said, timeout=40_000)
