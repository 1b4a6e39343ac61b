// Keeps "3 min ago" and running durations true between answers of the server.
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
// The server's clock counts: this machine's may be off.
const serverTime = Date.parse(document.querySelector('meta[name="server-time"]').content);
const offset = serverTime - Date.now();

export function startClock() {
  tick();
  setInterval(tick, 1000);
}

export function tick(root = document) {
  const now = Date.now() + offset;
  for (const element of root.querySelectorAll("[data-ago]")) {
    write(element, ago((now - Date.parse(element.dateTime)) / 1000));
    if (!element.dataset.local) {
      element.dataset.local = "1";
      element.title = new Date(element.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
    }
  }
  for (const element of root.querySelectorAll("[data-elapsed-from]")) {
    write(element, duration((now - Date.parse(element.dataset.elapsedFrom)) / 1000));
  }
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function ago(seconds) {
  if (seconds < 5) return "just now";
  const [size, unit] = UNITS.find(([unitSeconds]) => seconds >= unitSeconds);
  return `${Math.floor(seconds / size)} ${unit} ago`;
}

function duration(seconds) {
  if (seconds < 10) return `${Math.max(seconds, 0).toFixed(1)} s`;
  let rest = Math.round(seconds);
  const parts = [];
  for (const [size, unit] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count || parts.length) parts.push(count ? `${count} ${unit}` : "");
    if (parts.length === 2) break;
  }
  return parts.filter(Boolean).join(" ");
}
