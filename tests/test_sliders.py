"""Sliders carry everything they need, and refuse what would not work."""

import json
import re

import numpy as np
import pytest

from fieldkit import plots, sliders


def payload(html):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.S)[1])


def line(height):
    figure, ax = plots.plt.subplots(figsize=(2, 1))
    ax.plot([0, height])
    return figure


def test_frames_hold_every_picture_and_name_each_value():
    html = sliders.frames(line, [1, 2, 3], label="height", alt="a line up to {}").data
    data = payload(html)
    assert len(data["frames"]) == 3 and data["values"] == ["1", "2", "3"]
    assert 'alt="a line up to 1"' in html and "http" not in html
    again = sliders.frames(line, [1, 2, 3], label="height", alt="a line up to {}").data
    assert again == html  # the same at every rebuild


def test_fields_are_bytes_in_one_common_scale():
    stack = np.stack([np.zeros((4, 4)), np.full((4, 4), 0.5), np.ones((4, 4))])
    data = payload(sliders.fields(stack, ["a", "b", "c"], label="t", alt="field at {}").data)
    import base64

    levels = np.frombuffer(base64.b64decode(data["bytes"]), np.uint8).reshape(3, 4, 4)
    assert levels[:, 0, 0].tolist() == [0, 128, 255]
    assert len(data["palette"]) == 768


def test_a_slider_looks_right_and_keeps_its_keys_off_the_page_too():
    """JupyterLab listens for arrow keys before the element does; it passes over what carries Lumino's attribute."""
    picture = sliders.frames(line, [1], label="height", alt="line {}").data
    field = sliders.fields(np.zeros((1, 2, 2)), [0], label="t", alt="field {}").data
    assert re.search(r'<img [^>]*style="max-width:100%;height:auto"', picture)
    assert re.search(r'<canvas [^>]*style="width:380px;max-width:100%;image-rendering:pixelated"', field)
    for html in (picture, field):
        assert 'data-lm-suppress-shortcuts="true"' in html and "event.stopPropagation()" in html


def test_what_a_reader_could_not_use_is_refused():
    with pytest.raises(ValueError, match="alternative text"):
        sliders.frames(line, [1], label="height", alt=" ")
    with pytest.raises(ValueError, match="with {} for the value"):
        sliders.fields(np.zeros((1, 2, 2)), [0], label="t", alt="a field")
    with pytest.raises(TypeError, match="return figure"):
        sliders.frames(lambda height: None, [1], label="height", alt="line {}")
    with pytest.raises(ValueError, match="at least one value"):
        sliders.frames(line, [], label="height", alt="line {}")
    with pytest.raises(ValueError, match="1.5 MB"):
        sliders.fields(np.random.default_rng(0).random((100, 128, 128)), range(100), label="t", alt="{}")
    with pytest.raises(ValueError, match="not finite"):
        sliders.fields(np.full((1, 2, 2), np.nan), [0], label="t", alt="{}")
    with pytest.raises(ValueError, match="height, width"):
        sliders.fields(np.zeros((2, 2)), [0, 1], label="t", alt="{}")


def test_markup_in_names_stays_text():
    html = sliders.frames(line, [1], label="<b>", alt="</script> {}", names=["<i>"]).data
    assert "<b>" not in html and "</script> <i>" not in html and html.count("</script>") == 2


def test_it_opens_on_its_best_frame_with_a_text_for_each():
    said = ["flat", "a slope", "a cliff"]
    html = sliders.frames(line, [1, 2, 3], label="height", alt=said, start=1).data
    data = payload(html)
    assert data["alt"] == said and 'value="1"' in html and 'alt="a slope"' in html
    assert f'src="data:image/png;base64,{data["frames"][1]}"' in html and ">2</output>" in html
    field = sliders.fields(np.zeros((2, 1, 1)), [0, 1], label="t", alt="field {}", start=1).data
    assert 'aria-label="field 1"' in field and 'value="1"' in field
    with pytest.raises(ValueError, match="counted from 0"):
        sliders.frames(line, [1, 2], label="height", alt="line {}", start=2)
    with pytest.raises(ValueError, match="1 alternative texts for 2 values"):
        sliders.frames(line, [1, 2], label="height", alt=["a line"])
