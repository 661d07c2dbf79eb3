"""The same call is alive with a kernel and a tour without one; it opens on its best frame and never falls silent."""

import base64
import json
import re
import sys
import time

import numpy as np
import pytest

from fieldkit import live, plots, viewer

TOUR = [{"mass": 0.5, "side": 4}, {"mass": 1.0, "side": 8}, {"mass": 2.0, "side": 8}]
WORDS = {"alt": "A line for mass {mass} on {side} sites.", "labels": {"mass": "mass m"}}
MOVES = {"mass": (0.1, 2.5), "side": (2, 16)}
ASKED = []


def draw(mass, side):
    ASKED.append((mass, side))
    if mass > 2.2:
        raise ValueError(f"mass = {mass}: too heavy for this line; choose 2.2 or less.")
    figure, (left, right) = plots.plt.subplots(1, 2)
    left.plot(np.arange(side), mass * np.arange(side))
    right.plot([0, 1], [mass, side])
    right.set_ylabel("a label that takes room")
    return figure


@pytest.fixture
def kernel(monkeypatch):
    pytest.importorskip("anywidget")
    monkeypatch.delenv(viewer.BUILD, raising=False)
    plots.use_style()
    ASKED.clear()


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setenv(viewer.BUILD, "1")
    plots.use_style()


def move(widget, number, **values):
    widget.asked = {"number": number, "values": values}


def test_on_the_page_it_is_a_slider_over_the_tour_that_opens_on_its_best_frame(page):
    html = live.explore(draw, tour=TOUR, start=1, **WORDS, **MOVES).data
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.S)[1])
    assert data["values"][1] == "mass m = 1, side = 8" and data["alt"][2] == "A line for mass 2 on 8 sites."
    assert 'value="1"' in html and 'alt="A line for mass 1 on 8 sites."' in html and len(set(data["frames"])) == 3


def test_without_the_package_it_is_the_same_slider(monkeypatch):
    monkeypatch.delenv(viewer.BUILD, raising=False)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    assert "fk-slider" in live.explore(draw, tour=TOUR, **WORDS, **MOVES).data


def test_with_a_kernel_each_move_draws_anew_with_clean_numbers(kernel):
    widget = live.explore(draw, tour=TOUR, start=1, **WORDS, **MOVES)
    first = widget.picture
    assert ASKED == [(1.0, 8)] and base64.b64decode(first).startswith(b"\x89PNG")
    move(widget, 1, mass=1.1400000000000001, side=9)
    assert ASKED[-1] == (1.14, 9) and isinstance(ASKED[-1][1], int)
    assert widget.answered == 1 and widget.picture != first and widget.alt == "A line for mass 1.14 on 9 sites."


def test_a_refusal_stands_below_the_picture_which_stays(kernel):
    widget = live.explore(draw, tour=TOUR, **WORDS, **MOVES)
    before = widget.picture, widget.alt
    move(widget, 1, mass=2.3, side=4)
    assert (widget.picture, widget.alt) == before and widget.refusal.startswith("mass = 2.3: too heavy")
    assert widget.answered == 1  # the browser waits for an answer
    move(widget, 2, mass=1.0, side=4)
    assert widget.refusal == "" and widget.picture != before[0]


def test_a_bug_in_draw_is_said_and_answers_too(kernel):
    calls = []

    def broken(mass, side):
        calls.append(mass)
        return draw(mass, side) if len(calls) == 1 else 1 / 0

    widget = live.explore(broken, tour=TOUR, **WORDS, **MOVES)
    move(widget, 1, mass=1.0, side=4)
    assert widget.answered == 1 and widget.refusal.startswith("ZeroDivisionError")


def test_the_layout_is_made_once(kernel):
    widget = live.explore(draw, tour=TOUR, **WORDS, **MOVES)
    times = []
    for number in range(1, 6):
        start = time.process_time()
        move(widget, number, mass=1.0 + number / 10, side=5)
        times.append(time.process_time() - start)
    assert sorted(times)[2] < 0.3, times


def test_choices_are_shown_by_name_and_handed_over_as_they_are(kernel):
    seen = []

    def chosen(sampler):
        seen.append(sampler)
        return draw(1.0, 2)

    words = {"tour": [{"sampler": "cluster"}], "alt": "Drawn by {sampler}."}
    widget = live.explore(chosen, sampler=["metropolis", "cluster"], **words)
    assert widget.controls[0]["choices"] == ("metropolis", "cluster") and widget.controls[0]["start"] == 1
    move(widget, 1, sampler=0)
    assert seen == ["cluster", "metropolis"] and widget.alt == "Drawn by metropolis."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tour": []}, "0 stops"),
        ({"start": 3}, "start = 3 of 3 stops"),
        ({"tour": [{"mass": 1.0}]}, "a value for each|one value for each"),
        ({"tour": [{"mass": 9.0, "side": 4}]}, "from 0.1 to 2.5 only"),
        ({"mass": (2.0, 1.0)}, "low < high"),
        ({"alt": "A line for {length}."}, "only {name} of a control"),
    ],
)
def test_what_could_not_be_reached_is_refused(kernel, change, words):
    with pytest.raises(ValueError, match=words):
        live.explore(draw, **({"tour": TOUR} | WORDS | MOVES | change))
    with pytest.raises(TypeError, match="return figure"):
        live.explore(lambda mass, side: None, tour=TOUR, **WORDS, **MOVES)


def test_steps_are_round_numbers():
    control = live._control("sw2", (0.5, 4.0), "sw2", [1.0], 0)
    assert (control.step, control.digits) == (0.02, 2)
    control = live._control("t", (1.5, 3.5), "t", [2.269], 0)
    assert (control.step, control.digits) == (0.01, 2)
