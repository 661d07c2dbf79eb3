// The table of all claims, and that of all printed numbers: shown by part, kind and pull, and sorted.  Without a script
// it stands there whole, chapter by chapter.
document.addEventListener("DOMContentLoaded", function () {
  const table = document.querySelector("#fk-claims, #fk-published");
  if (!table) return;
  const bodies = [...table.tBodies], rows = bodies.flatMap(body => [...body.querySelectorAll("tr[data-kind]")]);
  rows.forEach((row, i) => {
    row.place = i;
    row.home = row.closest("tbody");
    const where = document.createElement("small");
    where.className = "fk-where";
    where.textContent = row.home.querySelector(".fk-group").textContent;
    if (table.id === "fk-claims") row.cells[0].append(where);
  });

  const sorted = document.createElement("tbody");
  const KEYS = {
    pull: row => -Math.abs(Number(row.dataset.pull)),
    kind: row => row.dataset.kind,
    source: row => row.cells[5].textContent.toLowerCase(),
  };

  const bar = document.createElement("div"), said = document.createElement("p");
  bar.className = "fk-controls";
  said.setAttribute("role", "status");
  function choice(label, options) {
    const box = document.createElement("label"), select = document.createElement("select");
    for (const [value, text] of options) select.add(new Option(text, value));
    select.addEventListener("change", show);
    box.append(label, " ", select);
    bar.append(box);
    return select;
  }
  const distinct = list => [...new Set(list)].map(v => [v, v]);
  const part = choice("Part", [["", "all"], ...distinct(bodies.map(body => body.dataset.part))]);
  const kind = choice(table.dataset.kind, [["", "all"], ...distinct(rows.map(row => row.dataset.kind))]);
  const pull = choice("Pull beyond", [[0, "0"], [1, "1"], [2, "2"], [3, "3"]]);
  const order = choice("Sorted by", [["", table.id === "fk-claims" ? "chapter" : "part"], ["pull", "pull, the largest first"], ["kind", table.dataset.kind.toLowerCase()], ["source", "source"]]);
  order.addEventListener("change", sort);
  bar.append(said);
  table.closest(".fk-scroll").before(bar);

  function show() {
    let shown = 0;
    for (const row of rows) {
      row.hidden = Boolean(part.value && row.home.dataset.part !== part.value) || Boolean(kind.value && row.dataset.kind !== kind.value)
        || Math.abs(Number(row.dataset.pull)) < Number(pull.value);
      if (!row.hidden) shown++;
    }
    for (const body of bodies) body.hidden = ![...body.querySelectorAll("tr[data-kind]")].some(row => !row.hidden);
    said.textContent = `${shown} of ${rows.length} ${table.dataset.noun}`;
    window.dispatchEvent(new Event("resize")); // formulas that were hidden are measured
  }

  // sorted, the rows stand in one body and say their chapter
  function sort() {
    const key = KEYS[order.value];
    const keyed = rows.map(row => [key ? key(row) : row.place, row]);
    keyed.sort(([a, r], [b, s]) => (a < b ? -1 : a > b ? 1 : r.place - s.place));
    for (const [, row] of keyed) (key ? sorted : row.home).append(row);
    if (key) table.append(sorted);
    else sorted.remove();
    table.classList.toggle("fk-sorted", Boolean(key));
    show();
  }
  show();
});
