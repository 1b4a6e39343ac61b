// What every page runs.
import { startClock } from "./clock.js";
import { startConfirm } from "./confirm.js";
import { startCopy } from "./copy.js";
import { startFigures } from "./figures.js";
import { startFilter } from "./filter.js";
import { startLive } from "./live.js";
import { startLogin } from "./login.js";
import { startThemeToggle } from "./theme-toggle.js";
import { startToasts } from "./toast.js";

startThemeToggle();
startClock();
startConfirm();
startCopy();
startFilter();
startFigures();
startLogin();
startToasts();
startLive();
