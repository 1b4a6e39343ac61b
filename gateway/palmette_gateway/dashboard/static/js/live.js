// Holds the page's one stream of server-sent events and puts what it brings into the page.
import { tick } from "./clock.js";
import { startJob } from "./job.js";

const HIDDEN_MS = 30_000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;
const GLANCE_MS = 60_000;
const title = document.title;

export function startLive() {
  const address = document.body.dataset.live;
  if (!address) return;
  const stream = new Stream(address);
  stream.open();
  // A list that htmx filled anew is followed at its own address.
  document.addEventListener("htmx:afterSwap", () => {
    const list = document.querySelector("[data-live-address]");
    if (list && list.dataset.liveAddress !== stream.address) stream.move(list.dataset.liveAddress);
  });
}

class Stream {
  constructor(address) {
    this.address = address;
    this.wait = FIRST_WAIT_MS;
    this.last = null;
    this.job = startJob();
    // Browsers allow few connections to a server: a page that nobody sees gives its own back.
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.hiding);
      clearInterval(this.glancing);
      if (!document.hidden) {
        if (!this.source) this.open();
        return;
      }
      this.hiding = setTimeout(() => {
        this.close();
        this.glancing = setInterval(glance, GLANCE_MS);
      }, HIDDEN_MS);
    });
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
  }

  open() {
    this.close();
    const address = new URL(this.address, location.href);
    if (this.last !== null) address.searchParams.set("after", this.last);
    const source = new EventSource(address);
    this.source = source;
    source.addEventListener("open", () => { this.wait = FIRST_WAIT_MS; connected(true); });
    source.addEventListener("fragments", (event) => show(event.data));
    source.addEventListener("gone", (event) => { this.close(); location.assign(event.data); });
    source.addEventListener("job", (event) => {
      this.last = event.lastEventId;
      this.job?.take(JSON.parse(event.data));
    });
    source.addEventListener("error", () => this.retry());
  }

  move(address) {
    this.address = address;
    this.open();
  }

  close() {
    clearTimeout(this.retrying);
    this.source?.close();
    this.source = null;
  }

  retry() {
    this.close();
    connected(false);
    if (document.hidden) return;
    leaveWhenSignedOut();
    this.retrying = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }
}

// A tab in the background asks now and then how things are, for its title.
async function glance() {
  const answer = await fetch("/live/glance").catch(() => null);
  if (answer?.ok) show(await answer.text());
}

async function leaveWhenSignedOut() {
  const answer = await fetch("/live/session").catch(() => null);
  if (answer?.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

// Each fragment replaces the element of its id; what did not change stays, with focus and selection.
function show(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const fragment of [...template.content.children]) {
    const target = document.getElementById(fragment.id);
    if (!target || target.dataset.liveAddress !== fragment.dataset.liveAddress) continue; // of another filter
    tick(fragment);
    Idiomorph.morph(target, fragment, { callbacks: { beforeNodeMorphed: mayChange } });
    htmx.process(document.getElementById(fragment.id));
  }
  const badge = document.getElementById("health-pill")?.dataset.badge;
  document.title = badge ? `${badge} ${title}` : title;
}

// What a person ticked or opened stays so.
function mayChange(before, after) {
  if (before.nodeName === "INPUT" && before.type === "checkbox") return false;
  if (before.nodeName === "DETAILS") after.open = before.open;
  return true;
}

function connected(yes) {
  document.getElementById("connection")?.toggleAttribute("hidden", yes);
  document.body.classList.toggle("is-stale", !yes);
}
