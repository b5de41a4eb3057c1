/** The page: a picture comes, is enlarged, compared and saved. */

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
const MOST_BYTES = Number(document.body.dataset.maxBodyBytes);
// What there is to see and to press, by what the page is doing.
const COMPARED = ["viewer", "zoom", "before-tag", "after-tag"];
const VISIBLE = {
  empty: ["empty", "format-label"],
  working: ["canvas", "progress", "cancel"],
  done: [...COMPARED, "format-label", "another", "download"],
  unseen: ["canvas", "format-label", "another", "download"], // done, and the browser can't show the result
  converting: [...COMPARED, "progress", "cancel"],
  failed: ["format-label"],
};

const board = new Board(part("canvas"));
const format = part("format");
let state = "empty";
let run = new AbortController(); // ends what is under way
let picture = null; // the file
let done = null; // the enlarged picture: what `enlarge` returned, files by format, and its words

function enter(next) {
  state = next;
  document.body.dataset.state = state;
  const visible = new Set(VISIBLE[state]);
  for (const id of new Set(Object.values(VISIBLE).flat())) part(id).hidden = !visible.has(id);
  format.options[0].hidden = done !== null; // "the same format" is one of the others by then
  part("download").textContent = done?.files.has(format.value) ?? true ? "Download" : "Enlarge and download";
}

/** Forget the picture. */
function forget() {
  run.abort();
  hideProblem();
  clear();
  if (done) {
    [done.before, ...(done.layers ?? [])].forEach(release);
    format.value = "";
  }
  [picture, done] = [null, null];
}

/** Wait for the next picture. */
function reset(title = "Ready", text = "") {
  forget();
  enter("empty");
  say(title, text);
  part("file").focus({ preventScroll: true });
}

/** Enlarge a picture as soon as it is there. */
function take(file) {
  forget();
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
  enter(done.layers ? "done" : "unseen");
  say(done.title, done.text);
}

/** Save the picture in the chosen format, which takes the service if it is another one than before. */
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

/** Do something that can be cancelled and can fail. */
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
    if (run !== own) return; // another picture came meanwhile
    const failure = shown(error);
    if (failure) fail(failure, () => (done ? download() : take(picture)));
    else if (done) finish();
    else reset("Cancelled", "Choose a picture whenever you like");
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

part("most-bytes").textContent = bytes(MOST_BYTES);
part("another").addEventListener("click", () => reset());
part("cancel").addEventListener("click", () => run.abort());
part("download").addEventListener("click", download);
part("dismiss").addEventListener("click", back);
format.addEventListener("change", () => {
  if (!done) return;
  enter(state);
  if (done.files.has(format.value)) finish();
  else say(`${formatName(format.value)} has to be made`, `The picture is enlarged again for it, in about ${duration(done.seconds)}`);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (VISIBLE[state].includes("cancel")) run.abort();
  else if (!part("problem").hidden) back();
});

/** Say why something can't be enlarged; what is under way goes on, and a picture that is there stays there. */
function refuse(error) {
  const failure = shown(error);
  if (VISIBLE[state].includes("cancel")) say(failure.title, failure.advice);
  else fail(failure);
}

listen((file) => check(file, MOST_BYTES).then(() => take(file), refuse), refuse);
enter("empty");
