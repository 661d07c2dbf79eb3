// What scrolls sideways in a box of its own must be reachable from the keyboard; what fits must not be a stop on the way.
(function () {
  function stops() {
    for (const box of document.querySelectorAll(".bd-article div.math, .fk-scroll")) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }
  window.addEventListener("load", function () {
    (window.MathJax && MathJax.startup ? MathJax.startup.promise : Promise.resolve()).then(stops);
  });
  window.addEventListener("resize", stops);
})();
