// Draws each figure once its place on the page is open: a report of many projects would take
// seconds to show if all of them were drawn at once.
"use strict";
function draw(place) {
  if (place.dataset.drawn) return;
  place.dataset.drawn = "yes";
  const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
  figure.layout.template = JSON.parse(document.getElementById("plot-template").textContent);
  Plotly.newPlot(place, figure.data, figure.layout, { displayModeBar: false, responsive: true });
}
function drawOpen(root) {
  for (const place of root.querySelectorAll(".plot")) {
    const closed = place.closest("details:not([open])");
    if (!closed) draw(place);
  }
}
document.addEventListener("toggle", (event) => drawOpen(event.target), true);
document.addEventListener("DOMContentLoaded", () => drawOpen(document));
// A link to a project of the report opens it.
function openTarget() {
  const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (found instanceof HTMLDetailsElement) { found.open = true; found.scrollIntoView(); }
}
window.addEventListener("hashchange", openTarget);
document.addEventListener("DOMContentLoaded", openTarget);
