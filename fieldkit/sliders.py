"""How does the picture change?  Sliders over pictures computed beforehand: they move without a kernel, a network or a
library.

`frames` shows figures, `fields` shows lattice fields as raw bytes painted on a canvas (a tenth of the size of
figures).  Both are one `<input type="range">`: arrow keys, touch and screen readers work, and the alternative text
follows the value.  They bring what they need along, so that they also look right without the page's style sheet, and
keep their keys to themselves: in JupyterLab an arrow would go to the next cell.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from IPython.display import HTML
from matplotlib.figure import Figure
from PIL import Image

from fieldkit.plots import SEQUENTIAL, plt

MAX_BYTES = 1_200_000  # a page stays under 1.5 MB

# one function for both: paint(i) shows frame i; the rest keeps output and screen reader in step with the slider
_SCRIPT = """(function () {
  const root = document.getElementById('%(id)s'), view = root.querySelector('img, canvas');
  const range = root.querySelector('input'), said = root.querySelector('output');
  const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  %(paint)s
  function show() {
    const i = Number(range.value);
    paint(i);
    said.textContent = data.values[i];
    range.setAttribute('aria-valuetext', data.values[i]);
    view.setAttribute(view.tagName === 'IMG' ? 'alt' : 'aria-label', data.alt[i]);
  }
  range.addEventListener('input', show);
  root.addEventListener('keydown', (event) => event.stopPropagation());
  show();
})();"""

_PAINT_FRAMES = "function paint(i) { view.src = 'data:image/png;base64,' + data.frames[i]; }"

_PAINT_FIELDS = """const bytes = atob(data.bytes), pen = view.getContext('2d');
  const image = pen.createImageData(data.width, data.height), size = data.width * data.height;
  function paint(i) {
    for (let p = 0; p < size; p++) {
      const c = 3 * bytes.charCodeAt(i * size + p);
      image.data.set([data.palette[c], data.palette[c + 1], data.palette[c + 2], 255], 4 * p);
    }
    pen.putImageData(image, 0, 0);
  }"""


def frames(
    draw: Callable[[Any], Figure],
    values: Sequence[Any],
    *,
    label: str,
    alt: str | Sequence[str],
    names: Sequence[str] | None = None,
    start: int = 0,
) -> HTML:
    """A slider over the figures draw(value).

    alt: alternative text with `{}` where the value goes, or one text for each value; names: how values are shown;
    start: the place of the frame on which it opens, the best one.

    Raises `ValueError` for no values, an alt text that is empty or without `{}`, a start that is no place, or frames
    that would make the page heavier than 1.5 MB; `TypeError` when draw returns no figure.
    """
    pictures = []
    for value in values:
        figure = draw(value)
        if not isinstance(figure, Figure):
            raise TypeError(f"draw({value}) returned a {type(figure).__name__}: end it with `return figure`.")
        raw, small = io.BytesIO(), io.BytesIO()
        figure.savefig(raw, format="png", dpi=120)
        plt.close(figure)
        Image.open(raw).convert("RGBA").quantize(64, method=Image.Quantize.FASTOCTREE).save(small, "png", optimize=True)
        pictures.append(base64.b64encode(small.getvalue()).decode())
    shown, said = _shown(values, names, alt, start)
    source = f"data:image/png;base64,{pictures[start]}"
    view = f'<img class="fk-frame" style="max-width:100%;height:auto" alt="{html.escape(said[start])}" src="{source}">'
    return _slider(view, {"frames": pictures}, _PAINT_FRAMES, label, said, shown, start)


def fields(
    stack: Any,
    values: Sequence[Any],
    *,
    label: str,
    alt: str | Sequence[str],
    names: Sequence[str] | None = None,
    start: int = 0,
    width: int = 380,
) -> HTML:
    """A slider over fields: stack (k, height, width) in the sequential palette, one common scale; values, alt, names
    and start as in `frames`.

    Raises `ValueError` for a wrong shape, values that are not finite, an alt text that is empty or without `{}`, a
    start that is no place, or fields that would make the page too heavy.
    """
    a = np.asarray(stack, dtype=np.float64)
    if a.ndim != 3 or len(a) != len(values) or 0 in a.shape:
        raise ValueError(f"shape {a.shape} for {len(values)} values: expected (number of values, height, width).")
    if not np.isfinite(a).all():
        raise ValueError("the fields hold values that are not finite; find where the run diverged before drawing.")
    shown, said = _shown(values, names, alt, start)
    low, span = a.min(), max(float(a.max() - a.min()), 1e-300)
    levels = np.round((a - low) / span * 255).astype(np.uint8)[:, ::-1]  # row 0 at the bottom, as in `plots.field`
    palette = (SEQUENTIAL(np.linspace(0, 1, 256))[:, :3] * 255).round().astype(int).ravel().tolist()
    payload = {
        "bytes": base64.b64encode(levels.tobytes()).decode(),
        "width": a.shape[2],
        "height": a.shape[1],
        "palette": palette,
    }
    view = (
        f'<canvas class="fk-field" role="img" aria-label="{html.escape(said[start])}" '
        f'width="{a.shape[2]}" height="{a.shape[1]}" '
        f'style="width:{width}px;max-width:100%;image-rendering:pixelated"></canvas>'
    )
    return _slider(view, payload, _PAINT_FIELDS, label, said, shown, start)


def _shown(
    values: Sequence[Any], names: Sequence[str] | None, alt: str | Sequence[str], start: int
) -> tuple[list[str], list[str]]:
    """(name, alternative text) of every value."""
    shown = [str(v) for v in (names if names is not None else values)]
    if not shown or len(shown) != len(values):
        raise ValueError(
            f"{len(values)} values with {len(shown)} names: a slider needs at least one value and a name for each."
        )
    if isinstance(alt, str) and "{}" not in alt:
        raise ValueError(
            f'alt = "{alt}": an alternative text says what one who cannot see must know, with {{}} for the value.'
        )
    said = [alt.replace("{}", name) for name in shown] if isinstance(alt, str) else [str(text) for text in alt]
    if len(said) != len(shown) or not all(text.strip() for text in said):
        raise ValueError(
            f"{len(said)} alternative texts for {len(shown)} values: give each value one that says something."
        )
    if not 0 <= start < len(shown):
        raise ValueError(f"start = {start}: it opens on one of its {len(shown)} frames, counted from 0.")
    return shown, said


def _slider(
    view: str, payload: dict[str, Any], paint: str, label: str, said: list[str], shown: list[str], start: int
) -> HTML:
    data = json.dumps(payload | {"values": shown, "alt": said}, separators=(",", ":")).replace("</", "<\\/")
    if len(data) > MAX_BYTES:
        raise ValueError(f"{len(data)} bytes of frames: a page must stay under 1.5 MB; use fewer or smaller frames.")
    first = html.escape(shown[start])
    name = "slider-" + hashlib.sha256(data.encode()).hexdigest()[:10]  # the same at every rebuild
    return HTML(
        f'<div class="fk-slider" id="{name}" data-lm-suppress-shortcuts="true">{view}<div class="fk-control">'
        f'<label for="{name}-range">{html.escape(label)}</label> <input id="{name}-range" type="range" min="0" '
        f'max="{len(shown) - 1}" value="{start}" autocomplete="off" aria-valuetext="{first}"> '
        f'<output for="{name}-range">{first}</output></div><script type="application/json">{data}</script>'
        f"<script>{_SCRIPT % {'id': name, 'paint': paint}}</script></div>"
    )
