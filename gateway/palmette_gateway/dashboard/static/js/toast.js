// Short messages in the corner; those that the server sends leave by themselves, too.
const STAYS_MS = { good: 2500, bad: 9000 };

export function startToasts() {
  const box = document.getElementById("toasts");
  new MutationObserver((changes) => {
    for (const node of changes.flatMap((change) => [...change.addedNodes])) {
      if (node.nodeType !== Node.ELEMENT_NODE) continue;
      const stays = node.classList.contains("tone-good") ? STAYS_MS.good : STAYS_MS.bad;
      setTimeout(() => node.remove(), stays);
    }
  }).observe(box, { childList: true });
}

export function toast(text, good = true) {
  const message = document.createElement("div");
  message.className = `notice tone-${good ? "good" : "bad"}`;
  message.textContent = text;
  document.getElementById("toasts").append(message);
}
