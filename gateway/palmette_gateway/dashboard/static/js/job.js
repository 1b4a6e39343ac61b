// A job's page: its curves, its figures and its log, fed by the page's stream.
import { JobLog } from "./job-log.js";
import { SeriesChart } from "./series-chart.js";
import { draw } from "./vega.js";

const SPLITS = new Set(["train", "validation", "val", "test"]);
const LAST = new Set(["lr", "learning_rate"]);

export function startJob() {
  return document.body.dataset.job ? new JobPage() : null;
}

class JobPage {
  constructor() {
    this.charts = new Map();
    this.figures = new Map();
    this.log = new JobLog();
    this.smooth = document.querySelector("[data-smooth]");
    this.smooth.addEventListener("change", () => this.showCharts());
    document.addEventListener("palmette:theme", () => this.redraw());
  }

  take(message) {
    for (const [name, points] of Object.entries(message.series ?? {})) this.addSeries(name, points);
    if (message.series) this.showCharts();
    for (const [name, spec] of Object.entries(message.figures ?? {})) this.showFigure(name, spec);
    if (message.lines) this.log.add(message.lines, message.skipped);
  }

  // `train/loss` and `validation/loss` belong into one chart, `loss`.
  addSeries(name, points) {
    const parts = name.split("/");
    const quantity = parts.pop();
    const split = SPLITS.has(parts.at(-1)) ? parts.pop() : "";
    const group = [...parts, quantity].join("/");
    if (!this.charts.has(group)) this.charts.set(group, new SeriesChart(this.place(group), group));
    this.charts.get(group).add(split || "result", points);
  }

  place(group) {
    const box = document.createElement("div");
    box.className = "chart";
    box.dataset.group = group;
    box.dataset.rank = LAST.has(group.split("/").at(-1)) ? "2" : "1";
    const charts = document.getElementById("charts");
    const after = [...charts.children].find((other) => other.dataset.rank > box.dataset.rank);
    charts.insertBefore(box, after ?? null);
    return box;
  }

  showCharts() {
    for (const chart of this.charts.values()) {
      chart.element.hidden = !chart.worthShowing;
      if (chart.worthShowing) chart.show(this.smooth.checked);
    }
    document.getElementById("charts-none").hidden = [...this.charts.values()].some((chart) => chart.worthShowing);
  }

  showFigure(name, spec) {
    if (!this.figures.has(name)) {
      const box = document.createElement("figure");
      box.className = "chart";
      const caption = document.createElement("figcaption");
      caption.textContent = name;
      const canvas = document.createElement("div");
      box.append(caption, canvas);
      document.getElementById("figures").append(box);
      document.getElementById("figures-card").hidden = false;
      this.figures.set(name, { canvas });
    }
    const figure = this.figures.get(name);
    figure.spec = spec;
    this.drawFigure(figure);
  }

  drawFigure({ canvas, spec }) {
    draw(canvas, spec).catch((error) => { canvas.textContent = `This figure cannot be drawn: ${error.message}`; });
  }

  redraw() {
    for (const chart of this.charts.values()) if (chart.worthShowing) chart.redraw();
    for (const figure of this.figures.values()) this.drawFigure(figure);
  }
}
