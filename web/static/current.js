/** What the page shows at the moment: its state, the picture, its job, its result; and how work begins, ends and fails. */

import { Board, release } from "./board.js";
import { clear, compare } from "./comparison.js";
import { shown } from "./failures.js";
import { listJobs } from "./joblist.js";
import { t } from "./messages.js";
import { fileKey, loadModels, menus, setMenus, showFitting } from "./options.js";
import { hideProblem, showProblem } from "./problem.js";
import { listResults } from "./recent.js";
import { putInAddress } from "./remembered.js";
import { entitle, say, show, wait } from "./status.js";

export const part = (id) => document.getElementById(id);
export const HAS_JOBS = "jobsKeep" in document.body.dataset;
// Visible elements by state.
const SAVING = ["format-label", "quality-label"];
const OPTIONS = ["size-label", "model-label", ...SAVING];
const COMPARED = ["viewer", "zoom", "before-tag", "after-tag"];
const VISIBLE = {
  empty: ["empty", ...OPTIONS],
  working: ["canvas", "progress", "cancel", ...(HAS_JOBS ? ["later"] : [])],
  moving: ["canvas", "progress", "cancel"], // into the background, while it is being enlarged
  sending: ["canvas", "progress", "cancel"], // the same, while it is not
  background: ["background", "progress", "cancel", "another"],
  fetched: ["canvas", "another", "download"], // from the background, where the original is not here
  unseen: ["background", "another", "download"], // the same, and there is nothing to show
  done: [...COMPARED, ...SAVING, "another", "download"],
  undisplayable: ["canvas", ...SAVING, "another", "download"], // done, but the browser can't show the result
  converting: [...COMPARED, "progress", "cancel"],
  loading: ["canvas", "progress", "cancel"], // a result that is too large to be shown
  failed: OPTIONS,
  queue: ["queue", "progress", ...OPTIONS, "restart", "download-all"],
};
const TO_LIST = ["background", "fetched", "unseen", "done", "undisplayable"]; // from which one returns to the queue
const IDS = new Set(Object.values(VISIBLE).flat());

export const board = new Board(part("canvas"));

/**
 * `run`: of the current request. `picture`: the original, a file or its address. `job`: that enlarges it in the background,
 * as id and name. `done`: the result, which is what `enlarge` returned, with its `options`, its `files` by format and
 * quality, and `words`, which returns its title and text; `present` adds what the `menus` showed before. `toList`: shows the
 * queue, if there is one.
 */
export const now = { state: "empty", run: new AbortController(), picture: null, job: null, done: null, toList: null };

export function enter(next) {
  now.state = next;
  document.body.dataset.state = next;
  const visible = new Set(VISIBLE[next]);
  for (const id of IDS) part(id).hidden = !visible.has(id);
  part("to-list").hidden = !now.toList || !TO_LIST.includes(next);
  part("another").hidden ||= now.toList !== null;
  part("format").options[0].hidden = now.done !== null; // "the same format": by then, the format is known
  part("download").textContent = t(isHere() || now.done?.kept ? "download" : "enlarge-download");
  if (next === "empty") {
    if (HAS_JOBS) listJobs();
    listResults();
    entitle(null);
  }
  showFitting();
  loadModels();
}

/** Whether a file in the chosen format and quality is here, or it is not a matter of formats. */
export function isHere() {
  return !now.done || isJobAlone() || !part("format").value || now.done.files.has(fileKey());
}

/** Whether the page has a job without its picture: its result can't be had in another format. */
export function isJobAlone() {
  return now.job !== null && !now.picture;
}

/** Whether what is being done can be cancelled. */
export function isCancellable() {
  return VISIBLE[now.state].includes("cancel");
}

/** Discard the picture and its result, for the job `next`, if there is one. Its address stays: the page may be reloaded. */
export function discard(next = null) {
  now.run.abort();
  now.run = new AbortController(); // whatever ran does not report on its end
  hideProblem();
  clear();
  if (now.done) {
    [now.done.before, ...(now.done.layers ?? [])].forEach(release);
    setMenus(now.done.menus);
  }
  [now.picture, now.done, now.job] = [null, null, next];
  putInAddress(next);
}

/** Return to the empty page. */
export function reset(title = t("ready"), text = "") {
  discard();
  enter("empty");
  say(title, text);
  part("file").focus({ preventScroll: true });
}

/** Show a result, and the comparison if there is something to compare. */
export function present(done) {
  now.done = { ...done, menus: menus() };
  setMenus({ format: done.accepted.format, quality: done.options.quality ?? "" });
  finish();
  if (done.layers) compare(done.layers, done.accepted);
}

/** Show that the work is done. */
export function finish() {
  const { done } = now;
  if (isJobAlone()) enter(done.isShown ? "fetched" : "unseen");
  else enter(done.layers ? "done" : "undisplayable");
  entitle(1);
  say(...done.words());
}

/**
 * Run a request in the state `during`, with cancelling and error handling.
 *
 * @param {(signal: AbortSignal) => Promise<void>} work
 * @param {() => {again: ?() => void, later: ?() => void}} ways out of a failure: to repeat it, and to make a job of it
 */
export async function attempt(during, work, ways) {
  const own = new AbortController();
  now.run = own;
  hideProblem();
  enter(during);
  wait();
  part("cancel").focus({ preventScroll: true });
  try {
    await work(own.signal);
    part("download").focus({ preventScroll: true });
  } catch (error) {
    if (now.run !== own) return; // superseded by another picture
    const failure = shown(error);
    if (failure && now.state === "moving") enter("sending"); // the job may still do it
    else if (failure) fail(failure, ways());
    else if (now.done) finish();
    else if (now.toList) now.toList();
    else reset(t("cancelled"), t("choose-any-time"));
  }
}

/** Show a failure on its card; the status line only says what it is about. */
export function fail(failure, { again = null, later = null } = {}) {
  if (now.done) finish();
  else enter("failed");
  entitle(null);
  show((now.picture ?? now.job)?.name ?? "");
  const instead = HAS_JOBS && failure.later ? later : null;
  showProblem(failure, failure.again ? again : null, instead, now.done ? "back-to-picture" : now.toList ? "back-to-list" : "choose-another");
}

/** Close the card of a failure. */
export function back() {
  if (!now.done) return now.toList ? now.toList() : reset();
  hideProblem();
  finish();
  part("download").focus();
}
