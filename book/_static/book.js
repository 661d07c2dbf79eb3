// What the style sheet cannot know: which formulas, tables and code are wider than the page, and what paper needs.
(function () {
  const WIDE = ".bd-article div.math, .bd-article div.math mjx-container, .fk-scroll, .bd-article div.highlight pre, .bd-article .fk-wide, .bd-article .pst-scrollable-table-container";
  const SMALLEST = 0.78; // a formula that is slightly too wide is set smaller; one that is much too wide scrolls

  // A fade at the edge where something goes on, and a stop for the keyboard where something scrolls.
  function cue(box) {
    const rest = box.scrollWidth - box.clientWidth;
    box.classList.toggle("fk-more-right", rest - box.scrollLeft > 1);
    box.classList.toggle("fk-more-left", rest > 1 && box.scrollLeft > 1);
    if (rest > 1) box.tabIndex = 0;
    else if (!box.matches("pre")) box.removeAttribute("tabindex");
  }

  function fit() {
    for (const formula of document.querySelectorAll(".bd-article mjx-container")) {
      formula.style.fontSize = "";
      formula.classList.remove("fk-wide", "fk-more-right", "fk-more-left");
      formula.removeAttribute("tabindex");
      const shown = formula.getAttribute("display") === "true", row = shown && formula.closest("div.math");
      if (row) row.classList.remove("fk-below");
      let box = shown ? formula : formula.parentElement;
      while (!shown && getComputedStyle(box).display.startsWith("inline")) box = box.parentElement;
      const math = formula.querySelector("mjx-math");
      if (!math || !box.clientWidth) continue;
      const style = getComputedStyle(box), wide = shown ? formula.scrollWidth : math.getBoundingClientRect().width;
      const room = () => box.clientWidth - (shown ? 0 : parseFloat(style.paddingLeft) + parseFloat(style.paddingRight));
      if (room() >= wide - 0.5) continue;
      if (row && row.querySelector(".eqno")) row.classList.add("fk-below"); // its number goes on a line of its own
      const ratio = room() / wide;
      if (ratio >= 1) continue;
      const size = parseFloat(getComputedStyle(formula).fontSize) / parseFloat(getComputedStyle(formula.parentElement).fontSize);
      if (ratio * 0.99 >= SMALLEST) formula.style.fontSize = `${100 * size * ratio * 0.99}%`;
      else formula.classList.add("fk-wide");
    }
    for (const box of document.querySelectorAll(WIDE)) {
      cue(box);
      box.onscroll = () => cue(box);
    }
  }

  // A line may break on either side of a formula, but not before a comma or behind a bracket.
  function glue() {
    for (const formula of document.querySelectorAll(".bd-article mjx-container:not([display='true'])")) {
      const math = formula.closest("span.math") || formula, next = math.nextSibling, last = math.previousSibling;
      const behind = next && next.nodeType === Node.TEXT_NODE ? next.data.match(/^[,.;:?!)\]’”…-]+/) : null;
      const before = last && last.nodeType === Node.TEXT_NODE ? last.data.match(/[(\[“]+$/) : null;
      if (!behind && !before) continue;
      const whole = document.createElement("span");
      whole.className = "fk-whole";
      math.before(whole);
      if (before) {
        last.data = last.data.slice(0, -before[0].length);
        whole.append(before[0]);
      }
      whole.append(math);
      if (behind) {
        next.data = next.data.slice(behind[0].length);
        whole.append(behind[0]);
      }
    }
  }

  // On a phone a row of a table is a card, in which every cell says its column (tables of Markdown do not know theirs).
  function label() {
    for (const table of document.querySelectorAll(".bd-article table:not(.fk-checked)")) {
      const heads = [...table.querySelectorAll("thead th")].map(th => th.textContent.trim());
      if (heads.length < 3) continue;
      table.classList.add("fk-cards");
      for (const row of table.querySelectorAll("tbody tr")) {
        [...row.children].forEach((cell, i) => {
          if (cell.tagName !== "TD") return;
          if (!cell.dataset.label) cell.dataset.label = heads[i];
          if (!i && /^(\d+|one|two|three|four|five|six)$/.test(cell.textContent.trim())) cell.dataset.number = "";
          if (!i || !cell.childNodes.length) return;
          const whole = document.createElement("span"); // words and formulas of a cell stay one line beside its label
          whole.append(...cell.childNodes);
          cell.append(whole);
        });
      }
      table.setAttribute("role", "table"); // kept when the style sheet takes the rows apart
      for (const [tags, role] of [["thead, tbody", "rowgroup"], ["tr", "row"], ["td", "cell"], ["thead th", "columnheader"], ["tbody th", "rowheader"]])
        for (const part of table.querySelectorAll(tags)) part.setAttribute("role", role);
    }
  }

  // On paper: dark on white, everything folded is open, and a slider shows its first, middle and last picture.
  const root = document.documentElement;
  function print() {
    if (root.dataset.theme === "dark") {
      root.dataset.theme = "light";
      root.dataset.dark = "";
    }
    for (const fold of document.querySelectorAll(".bd-article details:not([open])")) {
      fold.open = true;
      fold.dataset.folded = "";
    }
    for (const fold of document.querySelectorAll(".bd-article .toggle-hidden")) {
      fold.classList.remove("toggle-hidden");
      fold.dataset.folded = "";
    }
    for (const slider of document.querySelectorAll(".fk-slider")) {
      const range = slider.querySelector("input[type=range]"), view = slider.querySelector("img, canvas");
      if (!range || !view || slider.querySelector(".fk-states")) continue;
      const now = range.value, last = Number(range.max), states = document.createElement("div");
      states.className = "fk-states";
      for (const i of [...new Set([0, Math.round(last / 2), last])]) {
        range.value = i;
        range.dispatchEvent(new Event("input"));
        const state = document.createElement("figure"), name = document.createElement("figcaption"), copy = document.createElement("img");
        copy.src = view.tagName === "IMG" ? view.src : view.toDataURL();
        copy.alt = view.getAttribute("alt") || view.getAttribute("aria-label");
        const said = slider.querySelector("label").cloneNode(true);
        name.textContent = `${said.textContent.trim()} ${slider.querySelector("output").textContent}`;
        state.append(copy, name);
        states.append(state);
      }
      range.value = now;
      range.dispatchEvent(new Event("input"));
      slider.append(states);
    }
  }
  function screen() {
    if ("dark" in root.dataset) root.dataset.theme = "dark";
    delete root.dataset.dark;
    for (const fold of document.querySelectorAll("[data-folded]")) {
      if (fold.tagName === "DETAILS") fold.open = false;
      else fold.classList.add("toggle-hidden");
      delete fold.dataset.folded;
    }
    for (const states of document.querySelectorAll(".fk-states")) states.remove();
  }

  document.addEventListener("DOMContentLoaded", label);
  window.addEventListener("load", function () {
    (window.MathJax && MathJax.startup ? MathJax.startup.promise : Promise.resolve()).then(glue).then(fit);
  });
  document.addEventListener("toggle", () => requestAnimationFrame(fit), true); // a fold is opened: what was in it has no width before
  document.addEventListener("click", event => { if (event.target.closest(".toggle-button, .toggle")) requestAnimationFrame(fit); });
  let waiting;
  window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(fit, 100); });
  window.addEventListener("beforeprint", print);
  window.addEventListener("afterprint", screen);
})();
