// What every page runs.
import { startClock } from "./clock.js";
import { startComparison } from "./compare.js";
import { startConfirm } from "./confirm.js";
import { startCopy } from "./copy.js";
import { startFigures } from "./figures.js";
import { startFilter } from "./filter.js";
import { startLive } from "./live.js";
import { startLogin } from "./login.js";
import { startQuestion } from "./question.js";
import { startThemeToggle } from "./theme-toggle.js";
import { startToasts } from "./toast.js";

startThemeToggle();
startClock();
startConfirm();
startCopy();
startFilter();
startFigures();
startLogin();
startQuestion();
startToasts();
startLive();
startComparison();

// On a narrow screen the navigation scrolls: show where we are.
document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
// After a form was sent: start reading at what came of it.
document.querySelector("[data-focus]")?.focus();
// A link to a field opens the groups around it.
const openAround = () => {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  for (let group = target?.closest?.("details"); group; group = group.parentElement.closest("details")) group.open = true;
  target?.focus?.();
};
addEventListener("hashchange", openAround);
