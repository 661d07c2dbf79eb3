"""What is written in a figure can be read: nothing is cut off, no label lies on another, no line runs through one."""

import re

import pytest

from tests.site.conftest import ROOT, SITE
from tools import chapters

CHAPTERS = [f"book/{name}.html" for name in chapters.chapters(ROOT)]
FIGURE = re.compile(r'<img\b[^>]*?src="([^"]*?_images/[^"]+\.svg)"')

# A label's box is a little larger than its letters, so that a line may touch its rim.
UNREADABLE = r"""() => {
  const svg = document.querySelector('svg'), whole = svg.getBoundingClientRect(), faults = [];
  const labels = [...svg.querySelectorAll("g[id^='text_']")]
    .map(g => ({ box: g.getBoundingClientRect(), upright: !/rotate\(-?(?!0\b|90|0\.)\d/.test(g.innerHTML),
                 said: ([...g.childNodes].find(n => n.nodeType === Node.COMMENT_NODE) || { data: '?' }).data.trim() }))
    .filter(l => l.box.width > 0);
  const shared = (a, b) => Math.min(Math.min(a.right, b.right) - Math.max(a.left, b.left),
                                    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
  const inside = (x, y, box, rim) =>
    x > box.left + rim && x < box.right - rim && y > box.top + rim && y < box.bottom - rim;
  labels.forEach((a, i) => {
    const { left, right, top, bottom } = a.box;
    if (left < whole.left - 1 || right > whole.right + 1 || top < whole.top - 1 || bottom > whole.bottom + 1)
      faults.push(`cut off: ${a.said}`);
    for (const b of labels.slice(i + 1))
      if (a.upright && b.upright && shared(a.box, b.box) > 1.5) faults.push(`one on the other: ${a.said}, ${b.said}`);
  });
  for (const axes of svg.querySelectorAll("g[id^='axes_']")) {
    const frame = axes.querySelector("g[id^='patch_'] path");
    if (!frame) continue;
    const clip = frame.getBoundingClientRect(), near = labels.filter(l => shared(l.box, clip) > 0);
    for (const line of axes.querySelectorAll(":scope > :is(g[id^='line2d_'], g[id^='LineCollection_']) > path")) {
      const length = line.getTotalLength(), to = line.getScreenCTM(), n = Math.min(1500, Math.ceil(length));
      for (let k = 0; k <= n && length; k++) {
        const p = line.getPointAtLength(length * k / n).matrixTransform(to);
        if (!inside(p.x, p.y, clip, -1)) continue;
        for (const l of near) if (inside(p.x, p.y, l.box, 1.5)) faults.push(`crossed by a line: ${l.said}`);
      }
    }
    for (const mark of axes.querySelectorAll(":scope > g[id^='line2d_'] use")) {
      const box = mark.getBoundingClientRect(), x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
      for (const l of near) if (inside(x, y, l.box, -1)) faults.push(`under a mark: ${l.said}`);
    }
  }
  return [...new Set(faults)];
}"""


@pytest.mark.parametrize("path", CHAPTERS)
def test_every_label_of_a_figure_can_be_read(visit, path):
    figures = FIGURE.findall((SITE / path).read_text(encoding="utf-8"))
    if not figures:
        pytest.skip("no figure on this page")
    page, _ = visit("404.html")
    for figure in dict.fromkeys(figures):
        drawn = (SITE / path).parent / figure
        page.set_content(drawn.read_text(encoding="utf-8").partition("<!DOCTYPE")[2].partition(">")[2])
        assert page.evaluate(UNREADABLE) == [], drawn.name
