/** The status line below the picture, the progress bar, the tab's title, and announcements to screen readers. */

import { t } from "./messages.js";

const headline = document.getElementById("headline");
const detail = document.getElementById("detail");
const progress = document.getElementById("progress");
const announcer = document.getElementById("announcer");

const STEP = 0.1; // minimum share of the work between two announcements
const PAUSE = 3000; // minimum ms between two announcements

let told = { share: 0, time: 0 };

/** Show a status. */
export function show(title, text = "") {
  headline.textContent = title;
  detail.textContent = text;
}

/** Show a status and announce it. */
export function say(title, text = "") {
  show(title, text);
  announcer.textContent = `${title}. ${text}`;
  told = { share: 0, time: performance.now() };
}

/** Show progress of unknown duration. */
export function wait() {
  progress.removeAttribute("value");
}

/** Show the share that is done, and announce it now and then. */
export function advance(share, text) {
  progress.value = share;
  detail.textContent = text;
  entitle(share);
  const now = performance.now();
  if (share - told.share >= STEP && now - told.time >= PAUSE) {
    announcer.textContent = t("percent-announced", { percent: Math.round(share * 100), text });
    told = { share, time: now };
  }
}

/** Say in the tab's title what share is done; null: nothing is being done. */
export function entitle(share) {
  if (share === null) document.title = t("title");
  else if (share < 1) document.title = t("title-progress", { percent: Math.floor(share * 100) });
  else document.title = t("title-done");
}
