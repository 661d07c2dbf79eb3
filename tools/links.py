"""Every name of the library in a chapter's code leads to its entry in the reference: links put into the built HTML."""

from __future__ import annotations

import re

from tools.names import LIBRARY, Library

BLOCK = re.compile(r'<div class="highlight"><pre>.*?</pre>', re.S)
CHAIN = re.compile(
    r'<span class="(?:n|nn|nc|nf)">([\w.]+)</span>(?:<span class="o">\.</span><span class="n">\w+</span>)*'
)
SPAN = re.compile(r'<span class="\w+">([\w.]+)</span>')


def link(page: str, bound: dict[str, str], known: Library, folder: str) -> str:
    """A chapter's HTML with links; bound: what its imports bind; folder: the way to the reference, `../library`."""

    def put(match: re.Match[str]) -> str:
        pieces = SPAN.findall(match[0])
        words = [w for w in pieces if w != "."]
        imported = words[0].split(".")[0] == LIBRARY  # in an import: `from fieldkit.lattice`
        full = words[0] if imported else bound.get(words[0])
        if full is None or (not imported and full in known.modules and len(words) == 1 and not importing(match)):
            return match[0]
        names = [full, *words[1:]]
        while names and not (entry := known.entry(".".join(names))):
            names.pop()
        if not names or (len(names) == 1 and len(words) > 1 and full in known.modules):
            return match[0]  # the module's own import, such as `plots.plt`
        spans = [m[0] for m in SPAN.finditer(match[0])]
        cut = 2 * len(names) - 1
        href = f"{folder}/{known.page(entry)}.html#{entry}"
        return f'<a class="fk-code" href="{href}">{"".join(spans[:cut])}</a>{"".join(spans[cut:])}'

    def importing(match: re.Match[str]) -> bool:
        line = match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.start()]
        return '<span class="kn">import</span>' in line

    return BLOCK.sub(lambda block: CHAIN.sub(put, block[0]), page)
