// The end of a job's log, as plain text.
const MOST_LINES = 1000;

export class JobLog {
  constructor() {
    this.box = document.getElementById("log");
    this.follow = document.getElementById("log-follow");
    this.warnings = document.getElementById("log-warnings");
    this.left = 0;
    this.warnings.addEventListener("change", () => {
      this.box.classList.toggle("only-warnings", this.warnings.checked);
      this.stick();
    });
    this.follow.addEventListener("change", () => this.stick());
    // Who scrolls up wants to read; who scrolls to the end wants to follow.
    this.box.addEventListener("scroll", () => {
      const { scrollTop, scrollHeight, clientHeight } = this.box;
      this.follow.checked = scrollHeight - scrollTop - clientHeight < 24;
    });
  }

  add(lines, skipped) {
    document.getElementById("log-none").hidden = true;
    this.left += skipped ?? 0;
    const follow = this.follow.checked;
    this.box.append(...lines.map(([time, severity, text]) => line(time, severity, text)));
    while (this.box.querySelectorAll(".line").length > MOST_LINES) {
      this.box.querySelector(".line").remove();
      this.left += 1;
    }
    if (this.left) this.note();
    this.follow.checked = follow;
    this.stick();
  }

  note() {
    this.hint ??= this.box.insertBefore(Object.assign(document.createElement("p"), { className: "muted" }), this.box.firstChild);
    this.hint.textContent = `${this.left.toLocaleString()} earlier lines are in the whole log.`;
  }

  stick() {
    if (this.follow.checked) this.box.scrollTop = this.box.scrollHeight;
  }
}

function line(time, severity, text) {
  const row = document.createElement("div");
  row.className = `line line-${severity}`;
  const stamp = document.createElement("time");
  stamp.dateTime = time;
  stamp.textContent = new Date(time).toLocaleTimeString(undefined, { hour12: false });
  row.append(stamp);
  if (severity === "warning" || severity === "error") {
    const word = document.createElement("b");
    word.textContent = severity;
    row.append(word);
  }
  const words = document.createElement("span");
  words.textContent = text;
  row.append(words);
  return row;
}
