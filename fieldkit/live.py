"""What happens if I move it myself?  A figure under controls: with a kernel each move draws it anew; on the page, or
where `anywidget` is missing, the same call is a slider over a tour of pictures drawn beforehand (`sliders.frames`).

    live.explore(draw, tour=[{"sw2": 1.0}, {"sw2": 2.0}], alt="The map at {sw2}: ...", sw2=(0.5, 4.0))

The controls are native ranges with labels: arrow keys, touch and screen readers work.  A new picture is asked for only
when the last one has come, so that a slow kernel skips pictures and never lags behind; a kernel that does not answer is
said so.  Layout is what costs in matplotlib: it is made for the first picture and kept.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from fieldkit import sliders, viewer
from fieldkit.plots import plt

# the same elements as in `sliders`; keys stay here, else JupyterLab would go to the next cell
_MODULE = """export default { render({ model, el }) {
  const make = (tag, parent, properties) => parent.appendChild(Object.assign(document.createElement(tag), properties));
  const root = make('div', el, { className: 'fk-slider' });
  root.style.textAlign = 'center';
  root.dataset.lmSuppressShortcuts = 'true';
  root.addEventListener('keydown', event => event.stopPropagation());
  const view = make('img', root, { className: 'fk-frame' });
  view.style.maxWidth = '100%';
  const said = make('p', root, {});
  said.setAttribute('role', 'status');
  const key = 'fk-' + Math.random().toString(36).slice(2) + '-';
  let asked = 0, waiting = false, patience;
  function ask() {
    if (asked > model.get('answered')) { waiting = true; return; }
    waiting = false; asked = model.get('answered') + 1;
    patience = setTimeout(() => { said.textContent = model.get('silence'); }, 15000);
    model.set('asked', { number: asked, values: Object.fromEntries(ranges.map(r => [r.name, Number(r.value)])) });
    model.save_changes();
  }
  const ranges = model.get('controls').map((control, i) => {
    const row = make('div', root, { className: 'fk-control' });
    const id = key + i;
    row.style.cssText = 'display:flex;flex-wrap:wrap;justify-content:center;align-items:center;gap:0.4rem 0.9rem';
    make('label', row, { textContent: control.label, htmlFor: id }).style.minWidth = '7em';
    const { name, low, high, step, start, digits, choices } = control;
    const range = make('input', row, { type: 'range', id, name, min: low, max: high, step, value: start });
    range.style.cssText = 'flex:0 1 18rem;min-height:1.75rem';
    const shown = make('output', row, {});
    shown.setAttribute('for', id);
    shown.style.minWidth = '5ch';
    function tell() {
      shown.textContent = choices.length ? choices[range.value] : Number(range.value).toFixed(digits);
      range.setAttribute('aria-valuetext', shown.textContent);
    }
    range.addEventListener('input', () => { tell(); ask(); });
    tell();
    return range;
  });
  function paint() {
    clearTimeout(patience);
    view.src = 'data:image/png;base64,' + model.get('picture');
    view.alt = model.get('alt');
    said.textContent = model.get('refusal');
    if (waiting) ask();
  }
  model.on('change:answered', paint);
  paint();
} };"""
_SILENCE = "The kernel does not answer: it is busy, or it has stopped.  Run this cell again to go on."


@dataclass(frozen=True)
class Control:
    """What one range needs: bounds, step, the digits that its values have; of choices, their places and names."""

    name: str
    label: str
    low: float
    high: float
    step: float
    start: float
    digits: int
    choices: tuple[str, ...] = ()


def explore(
    draw: Callable[..., Figure],
    *,
    tour: Sequence[Mapping[str, Any]],
    alt: str,
    label: str = "stop",
    labels: Mapping[str, str] | None = None,
    names: Sequence[str] | None = None,
    start: int = 0,
    **controls: Sequence[Any],
) -> Any:
    """Show draw(**values) under one labelled control for each value, or without a kernel a slider over the tour.

    controls: name=(low, high), whole numbers for whole steps, else about a hundred; or name=[a, b, c, ...], the values
    to choose from.  tour: the stops of the page's slider, each with a value for every control; `start` is the place of
    the stop with the best picture, on which both open.  alt: alternative text with {name} where a value goes.  labels:
    what stands beside a control, its name if not given.  names: what the page calls the stops, their values if not
    given; label: what it calls the slider.  draw returns a figure in at most 0.3 s, two panels at most; when it raises,
    what it says stands below the picture, which stays.

    Returns what the notebook shows.  Raises `ValueError` for a tour or a start that does not fit the controls, or an
    alternative text that names others.
    """
    labels = {name: name for name in controls} | dict(labels or {})
    if not tour or not 0 <= start < len(tour):
        raise ValueError(f"start = {start} of {len(tour)} stops: both sliders open on a stop of the tour; give one.")
    for stop in tour:
        if set(stop) != set(controls):
            raise ValueError(f"tour: {dict(stop)}: a stop has one value for each control, {', '.join(controls)}.")
    rows = [_control(name, kind, labels[name], [s[name] for s in tour], start) for name, kind in controls.items()]
    try:
        said = [_said(alt, stop) for stop in tour]
    except (KeyError, IndexError):
        raise ValueError(f'alt = "{alt}": only {{name}} of a control can stand in it: {", ".join(controls)}.') from None
    once = _with_one_layout(draw)
    if not viewer.is_page():
        try:
            import anywidget
        except ImportError:
            pass
        else:
            return _explorer(anywidget.AnyWidget, once, rows, controls, dict(tour[start]), alt)
    shown = names or [", ".join(f"{labels[k]} = {_short(v)}" for k, v in stop.items()) for stop in tour]
    return sliders.frames(lambda stop: once(**stop), tour, label=label, alt=said, names=shown, start=start)


def _control(name: str, kind: Sequence[Any], label: str, values: Sequence[Any], start: int) -> Control:
    """The range of one control; refuses stops that it could not reach."""
    if isinstance(kind, list):
        if not set(values) <= set(kind):
            raise ValueError(f"tour: {name} = {values}: choose from {kind}.")
        return Control(name, label, 0, len(kind) - 1, 1, kind.index(values[start]), 0, tuple(map(_short, kind)))
    if len(kind) != 2 or not kind[0] < kind[1]:
        raise ValueError(f"{name} = {kind}: a control goes from (low, high), low < high, or chooses from a list.")
    low, high = kind
    if not all(low <= value <= high for value in values):
        raise ValueError(f"tour: {name} = {list(values)}: the control goes from {low} to {high} only.")
    if isinstance(low, int) and isinstance(high, int):
        return Control(name, label, low, high, 1, values[start], 0)
    power = math.floor(math.log10((high - low) / 100))
    step = next(m * 10.0**power for m in (1, 2, 5, 10) if (high - low) / (m * 10.0**power) <= 200)
    return Control(name, label, low, high, step, values[start], max(0, -math.floor(math.log10(step) + 1e-9)))


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _said(alt: str, values: Mapping[str, Any]) -> str:
    return alt.format(**{name: _short(value) for name, value in values.items()})


def _with_one_layout(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """draw, whose layout is made once and kept for all further figures with as many panels."""
    places: list[Any] = []

    def drawn(**values: Any) -> Figure:
        with mpl.rc_context({"figure.constrained_layout.use": False} if places else {}):
            figure = draw(**values)
        if not isinstance(figure, Figure):
            raise TypeError(f"draw returned a {type(figure).__name__}: end it with `return figure`.")
        if len(places) != len(figure.axes):
            figure.canvas.draw()
            places[:] = [ax.get_position() for ax in figure.axes]
        figure.set_layout_engine("none")
        for ax, place in zip(figure.axes, places):
            ax.set_position(place)
        return figure

    return drawn


def _explorer(
    base: Any, draw: Callable[..., Figure], rows: list[Control], controls: Mapping[str, Any], first: Any, alt: str
) -> Any:
    import traitlets

    class Explorer(base):
        _esm = _MODULE
        controls: Any = traitlets.List().tag(sync=True)
        asked = traitlets.Dict().tag(sync=True)
        answered = traitlets.Int(0).tag(sync=True)
        picture = traitlets.Unicode().tag(sync=True)
        alt = traitlets.Unicode().tag(sync=True)
        refusal = traitlets.Unicode().tag(sync=True)
        silence = traitlets.Unicode(_SILENCE).tag(sync=True)

    widget = Explorer(controls=[asdict(row) for row in rows])

    def show(values: Mapping[str, Any], number: int) -> None:
        try:
            picture, refusal = _png(draw(**values)), ""
        except Exception as error:  # a kernel that only falls silent would leave the reader alone
            picture = widget.picture
            refusal = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        with widget.hold_sync():
            widget.picture, widget.refusal, widget.answered = picture, refusal, number
            if not refusal:
                widget.alt = _said(alt, values)

    def answer(change: Any) -> None:
        asked = change["new"]["values"]
        show({row.name: _value(row, controls[row.name], asked[row.name]) for row in rows}, change["new"]["number"])

    widget.picture, widget.alt = _png(draw(**first)), _said(alt, first)  # a draw that cannot even begin raises here
    widget.observe(answer, "asked")
    return widget


def _value(row: Control, kind: Sequence[Any], place: float) -> Any:
    """What the range's number stands for: a choice, a whole number, or a number without the dust of binary steps."""
    if row.choices:
        return kind[round(place)]
    return round(place) if isinstance(kind[0], int) and isinstance(kind[1], int) else round(place, row.digits)


def _png(figure: Figure) -> str:
    raw = io.BytesIO()
    figure.savefig(raw, format="png", dpi=100)
    plt.close(figure)
    return base64.b64encode(raw.getvalue()).decode()
