// Figures that came with the page: <figure data-figure> holds a script of type application/json and a place.
import { draw } from "./vega.js";

export function startFigures() {
  const figures = [...document.querySelectorAll("[data-figure]")];
  if (!figures.length) return;
  const show = () => figures.forEach(drawFigure);
  document.addEventListener("palmette:theme", show);
  show();
}

function drawFigure(figure) {
  const spec = JSON.parse(figure.querySelector("script").textContent);
  const place = figure.querySelector("[data-place]");
  draw(place, spec).catch((error) => { place.textContent = `This figure cannot be drawn: ${error.message}`; });
}
