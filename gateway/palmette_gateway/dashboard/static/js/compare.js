// The curves of several jobs: a chart for each figure, a line for each job.
import { SeriesChart } from "./series-chart.js";

export async function startComparison() {
  const place = document.querySelector("[data-curves]");
  if (!place) return;
  const note = document.getElementById("charts-none");
  const answer = await fetch(place.dataset.curves).catch(() => null);
  if (!answer?.ok) {
    note.textContent = "The curves cannot be read now; reload the page to try again.";
    return;
  }
  const charts = Object.entries(await answer.json())
    .filter(([, jobs]) => Object.values(jobs).some((points) => points.length > 1))
    .sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b))
    .map(([figure, jobs]) => chart(place, figure, jobs));
  note.hidden = charts.length > 0;
  note.textContent = "These jobs reported no figures with steps.";
  const smooth = document.querySelector("[data-smooth]");
  const show = () => charts.forEach((one) => one.show(smooth.checked));
  smooth.addEventListener("change", show);
  document.addEventListener("palmette:theme", () => charts.forEach((one) => one.redraw()));
  show();
}

function chart(place, figure, jobs) {
  const box = document.createElement("div");
  box.className = "chart";
  box.dataset.group = figure;
  place.append(box);
  const made = new SeriesChart(box, figure);
  for (const [job, points] of Object.entries(jobs)) made.add(job, points);
  return made;
}

// Quality on held-out data first, the learning rate last.
function rank(figure) {
  if (/lr$|learning_rate$/.test(figure)) return 3;
  return /^(test|validation|val)\//.test(figure) ? 1 : 2;
}
