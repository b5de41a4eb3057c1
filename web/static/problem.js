/** The card that shows a failure, and retries automatically after `Retry-After`. */

import { onLanguage, t } from "./messages.js";
import { duration, sentence } from "./words.js";

const card = document.getElementById("problem");
const words = document.getElementById("problem-words");
const countdown = document.getElementById("countdown");
const retry = document.getElementById("retry");
const instead = document.getElementById("instead");
const insteadWords = document.getElementById("instead-words");
const dismiss = document.getElementById("dismiss");

let timer = null;
let current = null; // the failure on the card

/**
 * Show a failure.
 *
 * @param {import("./failures.js").Failure} failure
 * @param {?() => void} again retries; null if a retry can't help
 * @param {?() => void} later hands the picture in as a job; null if that can't help
 * @param {string} back message of the button that closes the card
 */
export function showProblem(failure, again, later, back) {
  hideProblem();
  current = failure;
  dismiss.dataset.message = back;
  write();
  retry.hidden = !again;
  retry.onclick = again;
  instead.hidden = insteadWords.hidden = !later;
  instead.classList.toggle("primary", !again);
  instead.onclick = later;
  card.hidden = false;
  (again ? retry : later ? instead : dismiss).focus();
  if (again && failure.retryAfter) count(failure.retryAfter, again);
}

/** Put the words on the card. */
function write() {
  const { title, texts } = current;
  const heading = Object.assign(document.createElement("h2"), { textContent: title });
  const paragraphs = texts.map((text) => Object.assign(document.createElement("p"), { textContent: sentence(text) }));
  words.replaceChildren(heading, ...paragraphs, ...said(current, "p"));
  dismiss.textContent = t(dismiss.dataset.message);
}

/** What the service itself says, in an element; none, if that adds nothing. */
export function said(failure, tag) {
  if (!failure?.said) return [];
  return [Object.assign(document.createElement(tag), { textContent: sentence(failure.said, "."), lang: "en", className: "said" })];
}

/** Cancel the retry; the card stays. */
export function stopRetry() {
  clearInterval(timer);
  countdown.hidden = true;
}

/** Hide the card and cancel its retry. */
export function hideProblem() {
  stopRetry();
  current = null;
  card.hidden = true;
  words.replaceChildren();
}

/** Count down to the retry. Not in the live region: a screen reader would announce every second. */
function count(seconds, again) {
  const end = performance.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    countdown.textContent = t("again-automatically", { duration: duration(left) });
    if (left <= 0) again();
  };
  countdown.hidden = false;
  timer = setInterval(tick, 250);
  tick();
}

onLanguage(() => current && write());
