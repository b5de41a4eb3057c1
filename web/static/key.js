/** The API key, if the service needs one: asked for once, and kept until the tab is closed or the user forgets it. */

import { Failure } from "./failures.js";
import { t } from "./messages.js";

const STORE = "api-key";
const HEADER_TEXT = /^[\x21-\x7e]+$/; // what a header can hold, without spaces

const dialog = document.getElementById("key");
const field = document.getElementById("key-text");
const problem = document.getElementById("key-problem");
const forgetting = document.getElementById("forget-key");

const waiting = new Set(); // requests that go on when there is a key, as pairs of functions
let kept = null; // the key, where the browser stores nothing

/** The key; null if there is none. */
export function key() {
  try {
    return sessionStorage.getItem(STORE) ?? kept;
  } catch {
    return kept;
  }
}

/**
 * Ask for a key, because the service has refused a request.
 *
 * @param {?string} used the key that the request had
 * @param {AbortSignal=} signal of the request
 * @throws {Failure} the user gives none
 */
export async function askForKey(used, signal) {
  if (used !== key()) return; // another one was given meanwhile
  keep(null);
  signal?.throwIfAborted();
  const answer = new Promise((resolve, reject) => {
    const request = { resolve, reject };
    waiting.add(request);
    signal?.addEventListener("abort", () => {
      waiting.delete(request);
      reject(signal.reason);
      if (!waiting.size) dialog.close();
    });
  });
  if (!dialog.open) {
    tell(used ? t("key-refused") : "");
    dialog.showModal();
  }
  return answer;
}

/** Call `said` when the user has the key forgotten. */
export function listenForForgetting(said) {
  forgetting.addEventListener("click", () => {
    keep(null);
    said();
  });
}

function keep(text) {
  kept = text;
  try {
    if (text) sessionStorage.setItem(STORE, text);
    else sessionStorage.removeItem(STORE);
  } catch {
    // It is kept in this page only.
  }
  forgetting.hidden = !text;
}

function tell(text) {
  problem.textContent = text;
  problem.hidden = !text;
  field.setAttribute("aria-invalid", Boolean(text));
}

/** Let the requests go on, or fail. */
function settle(how) {
  for (const request of waiting) how(request);
  waiting.clear();
}

dialog.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (!HEADER_TEXT.test(text)) {
    tell(text ? t("key-wrong") : t("key-none"));
    return field.focus();
  }
  field.value = "";
  keep(text);
  settle(({ resolve }) => resolve());
  dialog.close();
});
document.getElementById("key-cancel").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
  if (dialog.open) return; // it is open again, for another request
  field.value = "";
  const words = () => ({ title: t("key-title"), advice: t("key-ask") });
  const failure = () => new Failure(words, { again: true, code: "unauthorized" });
  settle(({ reject }) => reject(failure()));
});
// What is typed and pasted here is not for the page.
for (const kind of ["keydown", "paste"]) dialog.addEventListener(kind, (event) => event.stopPropagation());
forgetting.hidden = !key();
