// The button that goes through: as the system, light, dark.
const ORDER = ["system", "light", "dark"];
const WORDS = { system: "as the system", light: "light", dark: "dark" };
const PATHS = {
  system: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 2v12M8 5l5 2M8 8.5l5.6 0M8 12l4-1.2",
  light: "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.2v1.4M8 13.4v1.4M1.2 8h1.4M13.4 8h1.4M3.2 3.2l1 1M11.8 11.8l1 1M12.8 3.2l-1 1M4.2 11.8l-1 1",
  dark: "M13.5 9.5A5.8 5.8 0 0 1 6.5 2.5a5.8 5.8 0 1 0 7 7z",
};

export function startThemeToggle() {
  const button = document.querySelector("[data-theme-toggle]");
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", announce);
  if (!button) return;
  show(button, current());
  button.addEventListener("click", () => {
    const next = ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length];
    if (next === "system") {
      localStorage.removeItem("palmette-theme");
      delete document.documentElement.dataset.theme;
    } else {
      localStorage.setItem("palmette-theme", next);
      document.documentElement.dataset.theme = next;
    }
    show(button, next);
    announce();
  });
}

function current() {
  return document.documentElement.dataset.theme ?? "system";
}

function show(button, theme) {
  button.setAttribute("aria-label", `Colours: ${WORDS[theme]}`);
  button.title = `Colours: ${WORDS[theme]}`;
  button.querySelector("path").setAttribute("d", PATHS[theme]);
}

// Figures take their colours from the page and are drawn anew.
function announce() {
  document.dispatchEvent(new CustomEvent("palmette:theme"));
}
