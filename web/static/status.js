/** The line below the picture, the progress, and what a screen reader is told. */

const headline = document.getElementById("headline");
const detail = document.getElementById("detail");
const progress = document.getElementById("progress");
const announcer = document.getElementById("announcer");

const STEP = 0.1; // of the work, between two announcements
const PAUSE = 3000; // ms, at least, between two announcements

let told = { share: 0, time: 0 };

/** Show what is happening. */
export function show(title, text = "") {
  headline.textContent = title;
  detail.textContent = text;
}

/** Show what is happening, and tell it. */
export function say(title, text = "") {
  show(title, text);
  announcer.textContent = `${title}. ${text}`;
  told = { share: 0, time: performance.now() };
}

/** Show that something is on its way, nobody knows for how long. */
export function wait() {
  progress.removeAttribute("value");
}

/** Show how much is done, and tell it now and then. */
export function advance(share, text) {
  progress.value = share;
  detail.textContent = text;
  const now = performance.now();
  if (share - told.share >= STEP && now - told.time >= PAUSE) {
    announcer.textContent = `${Math.round(share * 100)} %, ${text}`;
    told = { share, time: now };
  }
}
