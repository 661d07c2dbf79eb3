// The search of the book: ranks the pages of search-pages.js by title, topic, headings and text, without a stemmer.
(function () {
  const KINDS = { chapter: 1, library: 0.3, glossary: 0.6, notation: 0.45, references: 0.35, claims: 0.3, runs: 0.2, index: 0.4 };
  const SMALL = new Set("a an and are as at be by do does for from how in is it its of on or that the this to what when with".split(" "));

  // one spelling for one word: no accents, British endings, no plural
  function fold(text) {
    return text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[’']s\b/g, "")
      .replace(/iz(e|ed|es|er|ers|ing|ation|ations)\b/g, "is$1").replace(/our\b/g, "or");
  }
  function words(text) {
    return (fold(text).match(/[\p{L}\p{N}]+/gu) || []).map(w => w.length > 3 && /[^su]s$/.test(w) && !/is$/.test(w) ? w.slice(0, -1) : w);
  }
  function count(list, term) { let n = 0; for (const w of list) if (w === term) n++; return n; }
  function holds(list, term) {  // a whole word, the first letters of several (HMC), or the beginning of one
    if (count(list, term)) return 1;
    if (/^[^aeiouy]{3,5}$/.test(term) && list.map(w => w[0]).join("").includes(term)) return 0.9;
    return term.length > 3 && list.some(w => w.startsWith(term)) ? 0.5 : 0;
  }
  function phrase(list, terms) { return terms.length > 1 && ` ${list.join(" ")} `.includes(` ${terms.join(" ")} `); }

  // what is introduced early in the book is found before what builds on it
  const pages = (window.FK_PAGES || []).map((page, i, all) => ({
    ...page, place: i / all.length, titled: words(page.title), told: words(page.topic),
    parts: page.sections.map(([anchor, heading, text]) => ({ anchor, heading, text, headed: words(heading), list: words(text) })),
  }));

  function search(query) {
    const asked = words(query), terms = asked.filter(w => !SMALL.has(w));
    const wanted = [...new Set(terms.length ? terms : asked)];
    if (!wanted.length) return [];
    const rare = wanted.map(t => {
      const n = pages.filter(p => holds(p.titled, t) || holds(p.told, t) || p.parts.some(s => holds(s.list, t))).length;
      return Math.log(1 + pages.length / (1 + n));
    });
    const found = [];
    for (const page of pages) {
      let score = 0, missing = 0;
      wanted.forEach((term, k) => {
        const heading = Math.max(0, ...page.parts.slice(1).map(s => holds(s.headed, term)));
        const inside = page.parts.reduce((n, s) => n + count(s.list, term), 0);
        const begun = inside ? 0 : Math.max(0, ...page.parts.map(s => holds(s.list, term)));
        const worth = 12 * holds(page.titled, term) + 10 * holds(page.told, term) + 4 * heading + Math.min(4, 1.5 * Math.log1p(inside)) + begun;
        if (worth) score += worth * rare[k]; else missing++;
      });
      if (!score) continue;
      if (phrase(page.titled, asked) || phrase(page.told, asked)) score += 12;
      else if (page.parts.some(s => phrase(s.list, asked))) score += 5;
      const best = page.parts.map(s => ({ s, n: wanted.reduce((n, t) => n + 3 * holds(s.headed, t) + Math.min(3, count(s.list, t)) + holds(s.list, t), 0) + (phrase(s.list, asked) ? 6 : 0) }))
        .reduce((a, b) => (b.n > a.n ? b : a), { s: page.parts[0], n: 0 }).s;
      found.push({ page, best, score: score * (KINDS[page.kind] || 0.5) * 0.25 ** missing * (1 - 0.2 * page.place) });
    }
    return found.sort((a, b) => b.score - a.score).slice(0, 20).map(hit => ({ ...hit, wanted }));
  }

  // about 220 letters around the place where most of the words stand together
  function excerpt(text, wanted) {
    const marks = [...text.matchAll(/[\p{L}\p{N}]+/gu)].filter(m => words(m[0]).some(w => wanted.some(t => w === t || (t.length > 3 && w.startsWith(t)))));
    const near = marks.map(m => new Set(marks.filter(o => Math.abs(o.index - m.index) < 160).flatMap(o => words(o[0]))).size);
    const middle = marks.length ? marks[near.indexOf(Math.max(...near))].index : 0;
    let start = Math.max(0, middle - 90), end = Math.min(text.length, start + 220);
    if (start) start = text.indexOf(" ", start) + 1;
    if (end < text.length) end = text.lastIndexOf(" ", end);
    const box = document.createElement("p");
    let at = start;
    box.append(start ? "… " : "");
    for (const m of marks) {
      if (m.index < start || m.index + m[0].length > end) continue;
      const mark = document.createElement("mark");
      mark.textContent = m[0];
      box.append(text.slice(at, m.index), mark);
      at = m.index + m[0].length;
    }
    box.append(text.slice(at, end), end < text.length ? " …" : "");
    return box;
  }

  function show(query) {
    const place = document.getElementById("search-results"), hits = search(query);
    const said = document.createElement("p"), list = document.createElement("ol");
    said.setAttribute("role", "status");
    said.textContent = hits.length ? `${hits.length === 20 ? "The first 20 pages" : hits.length === 1 ? "One page" : `${hits.length} pages`} for “${query}”` : `Nothing found for “${query}”. Try one word, or a letter of the notation.`;
    list.className = "fk-hits";
    for (const { page, best, wanted } of hits) {
      const item = document.createElement("li"), link = document.createElement("a");
      link.href = page.url;
      link.textContent = page.title;
      item.append(link);
      if (page.topic) {
        const topic = document.createElement("p");
        topic.className = "fk-about";
        topic.textContent = page.topic;
        item.append(topic);
      }
      if (best && best.text) {
        const box = excerpt(best.text, wanted);
        if (best.heading && best.heading !== page.title) {
          const deep = document.createElement("a");
          deep.href = `${page.url}#${best.anchor}`;
          deep.textContent = best.heading;
          box.prepend(deep, ": ");
        }
        item.append(box);
      }
      list.append(item);
    }
    place.replaceChildren(said, list);
  }

  const query = new URLSearchParams(location.search).get("q") || "";
  for (const input of document.querySelectorAll('input[name="q"]')) input.value = query;
  if (query.trim()) show(query.trim());
})();
