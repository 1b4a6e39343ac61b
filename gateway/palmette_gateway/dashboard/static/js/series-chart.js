// One chart of a job's metrics: the same quantity on several splits, by step.
import { draw } from "./vega.js";

const MOST_POINTS = 1200;
const SMOOTHING = 0.6;

export class SeriesChart {
  constructor(element, title) {
    this.element = element;
    this.title = title;
    this.series = new Map();
    this.busy = Promise.resolve();
  }

  // One point is no course: it stands among the results.
  get worthShowing() {
    return [...this.series.values()].some((values) => values.size > 1);
  }

  // A later report of a step replaces the earlier one: a resumed job repeats what follows its checkpoint.
  add(name, points) {
    if (!this.series.has(name)) {
      this.series.set(name, new Map());
      this.view = null;
    }
    const values = this.series.get(name);
    for (const [step, value] of points) values.set(step, value);
  }

  show(smooth) {
    if (this.smooth !== smooth) this.view = null;
    this.smooth = smooth;
    this.busy = this.busy.then(() => this.render()).catch((error) => {
      this.element.textContent = `This figure cannot be drawn: ${error.message}`;
    });
    return this.busy;
  }

  redraw() {
    this.view = null;
    return this.show(this.smooth);
  }

  async render() {
    if (this.view) {
      await this.view.data("points", this.rows()).runAsync();
      return;
    }
    const names = [...this.series.keys()].sort(bySplit);
    this.view = await draw(this.element, specification(this.title, names, this.smooth, this.rows()));
  }

  rows() {
    const rows = [];
    for (const [series, values] of this.series) {
      const points = thinned([...values].sort(([a], [b]) => a - b));
      const alone = points.length === 1;
      let average = points[0]?.[1];
      for (const [step, value] of points) {
        average = SMOOTHING * average + (1 - SMOOTHING) * value;
        rows.push({ series, step, value, smooth: this.smooth ? average : value, alone });
      }
    }
    return rows;
  }
}

function thinned(points) {
  if (points.length <= MOST_POINTS) return points;
  const size = Math.ceil(points.length / (MOST_POINTS / 2));
  const kept = [];
  for (let at = 0; at < points.length; at += size) {
    const stretch = points.slice(at, at + size);
    const low = stretch.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = stretch.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(low === high ? [low] : [low, high].sort(([a], [b]) => a - b)));
  }
  return kept;
}

const SPLITS = ["train", "validation", "val", "test"];

function bySplit(a, b) {
  const rank = (name) => (SPLITS.indexOf(name) + SPLITS.length + 1) % (SPLITS.length + 1);
  return rank(a) - rank(b) || a.localeCompare(b);
}

function specification(title, names, smooth, rows) {
  const x = { field: "step", type: "quantitative", title: null, axis: { grid: false, tickCount: 5, tickMinStep: 1, format: ",d" }, scale: { nice: false } };
  const y = (field) => ({ field, type: "quantitative", title: null, scale: { zero: false }, axis: { tickCount: 5 } });
  const color = {
    field: "series", type: "nominal", scale: { domain: names },
    legend: names.length > 1 ? { orient: "top", title: null, symbolType: "stroke", offset: 4 } : null,
  };
  const layer = [
    {
      mark: { type: "line", strokeWidth: smooth ? 1 : 1.8, opacity: smooth ? 0.3 : 1, interpolate: "linear", clip: true },
      encoding: { x, y: y("value"), color },
    },
    {
      params: [{ name: "near", select: { type: "point", on: "pointermove", nearest: true, clear: "pointerout" } }],
      mark: { type: "point", filled: true, size: 55, tooltip: true },
      encoding: {
        x, y: y("smooth"), color,
        // A series of one point, such as a final result, has no line: its point is always there.
        opacity: { condition: [{ param: "near", empty: false, value: 1 }, { test: "datum.alone", value: 1 }], value: 0 },
        tooltip: [
          { field: "series", title: "series" }, { field: "step", title: "step", format: "," },
          { field: "value", title: "value", format: ".5~g" },
        ],
      },
    },
  ];
  if (smooth) layer.splice(1, 0, { mark: { type: "line", strokeWidth: 2 }, encoding: { x, y: y("smooth"), color } });
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    description: `${title} by step: ${names.join(", ")}`,
    title,
    height: 180,
    data: { name: "points", values: rows },
    layer,
  };
}
