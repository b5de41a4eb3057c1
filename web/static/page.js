/** The page: take a picture, enlarge it, compare and save. */

import { Board, release } from "./board.js";
import { check } from "./check.js";
import { listen } from "./choose.js";
import { clear, compare } from "./comparison.js";
import { enlarge, enlargeAgain } from "./enlarging.js";
import { shown } from "./failures.js";
import { hideProblem, showProblem } from "./problem.js";
import { save } from "./saving.js";
import { say, show, wait } from "./status.js";
import { bytes, duration, formatName, pixels } from "./words.js";

const part = (id) => document.getElementById(id);
const MAX_BYTES = Number(document.body.dataset.maxBodyBytes);
// Visible elements by state.
const COMPARED = ["viewer", "zoom", "before-tag", "after-tag"];
const VISIBLE = {
  empty: ["empty", "format-label"],
  working: ["canvas", "progress", "cancel"],
  done: [...COMPARED, "format-label", "another", "download"],
  undisplayable: ["canvas", "format-label", "another", "download"], // done, but the browser can't show the result
  converting: [...COMPARED, "progress", "cancel"],
  failed: ["format-label"],
};

const board = new Board(part("canvas"));
const format = part("format");
let state = "empty";
let run = new AbortController(); // of the current request
let picture = null; // the original file
let done = null; // the result: what `enlarge` returned, its files by format, its title and text

function enter(next) {
  state = next;
  document.body.dataset.state = state;
  const visible = new Set(VISIBLE[state]);
  for (const id of new Set(Object.values(VISIBLE).flat())) part(id).hidden = !visible.has(id);
  format.options[0].hidden = done !== null; // "the same format": by then, the format is known
  part("download").textContent = done?.files.has(format.value) ?? true ? "Download" : "Enlarge and download";
}

/** Discard the picture and its result. */
function discard() {
  run.abort();
  hideProblem();
  clear();
  if (done) {
    [done.before, ...(done.layers ?? [])].forEach(release);
    format.value = "";
  }
  [picture, done] = [null, null];
}

/** Return to the empty page. */
function reset(title = "Ready", text = "") {
  discard();
  enter("empty");
  say(title, text);
  part("file").focus({ preventScroll: true });
}

/** Enlarge a picture. */
function take(file) {
  discard();
  picture = file;
  show(`Reading ${file.name}`);
  return attempt("working", async (signal) => {
    const start = performance.now();
    const result = await enlarge(file, format.value, board, signal);
    const { accepted, blob, notes, before, layers } = result;
    const seconds = (performance.now() - start) / 1000;
    const from = before ? `${pixels({ width: before.naturalWidth, height: before.naturalHeight })} became ` : "Now ";
    const text = [`${formatName(accepted.format)}, ${bytes(blob.size)}, in ${duration(seconds)}`, ...notes].join("; ");
    done = { ...result, seconds, files: new Map([[accepted.format, blob]]), title: from + pixels(accepted), text };
    format.value = accepted.format;
    finish();
    if (layers) compare(layers, accepted);
  });
}

function finish() {
  enter(done.layers ? "done" : "undisplayable");
  say(done.title, done.text);
}

/** Save the result in the chosen format. For a new format, the service enlarges the picture again. */
function download() {
  if (done.files.has(format.value)) return save(done.files.get(format.value), picture.name, format.value);
  return attempt("converting", async (signal) => {
    const wanted = format.value;
    const { blob } = await enlargeAgain(picture, wanted, signal);
    done.files.set(wanted, blob);
    finish();
    save(blob, picture.name, wanted);
  });
}

/** Run a request in the state `during`, with cancelling and error handling. */
async function attempt(during, work) {
  const own = new AbortController();
  run = own;
  hideProblem();
  enter(during);
  wait();
  part("cancel").focus({ preventScroll: true });
  try {
    await work(own.signal);
    part("download").focus({ preventScroll: true });
  } catch (error) {
    if (run !== own) return; // superseded by another picture
    const failure = shown(error);
    if (failure) fail(failure, () => (done ? download() : take(picture)));
    else if (done) finish();
    else reset("Cancelled", "Choose another picture at any time");
  }
}

function fail(failure, again = null) {
  if (done) finish();
  else enter("failed");
  show(failure.title);
  showProblem(failure, failure.again ? again : null, done ? "Back to the picture" : "Choose another picture");
}

function back() {
  if (!done) return reset();
  hideProblem();
  finish();
  part("download").focus();
}

part("max-bytes").textContent = bytes(MAX_BYTES);
part("another").addEventListener("click", () => reset());
part("cancel").addEventListener("click", () => run.abort());
part("download").addEventListener("click", download);
part("dismiss").addEventListener("click", back);
format.addEventListener("change", () => {
  if (!done) return;
  enter(state);
  if (done.files.has(format.value)) finish();
  else say(`${formatName(format.value)} takes another run`, `The picture will be enlarged again, in about ${duration(done.seconds)}`);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (VISIBLE[state].includes("cancel")) run.abort();
  else if (!part("problem").hidden) back();
});

/** Explain why a file is rejected. A running request continues, and a finished picture stays. */
function refuse(error) {
  const failure = shown(error);
  if (VISIBLE[state].includes("cancel")) say(failure.title, failure.advice);
  else fail(failure);
}

listen((file) => check(file, MAX_BYTES).then(() => take(file), refuse), refuse);
enter("empty");
