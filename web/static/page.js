/** The page: take a picture, enlarge it, compare and save. */

import { enlargeInBackground } from "./background.js";
import { Board, release } from "./board.js";
import { check } from "./check.js";
import { listen } from "./choose.js";
import { clear, compare } from "./comparison.js";
import { enlarge, enlargeAgain } from "./enlarging.js";
import { shown } from "./failures.js";
import { listJobs } from "./joblist.js";
import { cancel, resultFile, startAnew, submit } from "./jobs.js";
import { listenForForgetting } from "./key.js";
import { hideProblem, showProblem, stopRetry } from "./problem.js";
import { forget, fragment, inAddress, putInAddress, remember } from "./remembered.js";
import { save } from "./saving.js";
import { say, show, wait } from "./status.js";
import { bytes, duration, formatName, pixels } from "./words.js";

const part = (id) => document.getElementById(id);
const MAX_BYTES = Number(document.body.dataset.maxBodyBytes);
const HAS_JOBS = "jobsKeep" in document.body.dataset;
// Visible elements by state.
const COMPARED = ["viewer", "zoom", "before-tag", "after-tag"];
const VISIBLE = {
  empty: ["empty", "format-label"],
  working: ["canvas", "progress", "cancel", ...(HAS_JOBS ? ["later"] : [])],
  moving: ["canvas", "progress", "cancel"], // into the background, while it is being enlarged
  sending: ["canvas", "progress", "cancel"], // the same, while it is not
  background: ["background", "progress", "cancel", "another"],
  fetched: ["canvas", "another", "download"], // from the background, where the original is not here
  unseen: ["background", "another", "download"], // the same, and there is nothing to show
  done: [...COMPARED, "format-label", "another", "download"],
  undisplayable: ["canvas", "format-label", "another", "download"], // done, but the browser can't show the result
  converting: [...COMPARED, "progress", "cancel"],
  loading: ["canvas", "progress", "cancel"], // a result that is too large to be shown
  failed: ["format-label"],
};

const CANCELLED = ["Cancelled", "Choose another picture at any time"];

const board = new Board(part("canvas"));
const format = part("format");
let state = "empty";
let run = new AbortController(); // of the current request
let picture = null; // the original file
let job = null; // that enlarges it in the background, as id and name
let done = null; // the result: what `enlarge` returned, its files by format, its title and text

function enter(next) {
  state = next;
  document.body.dataset.state = state;
  const visible = new Set(VISIBLE[state]);
  for (const id of new Set(Object.values(VISIBLE).flat())) part(id).hidden = !visible.has(id);
  format.options[0].hidden = done !== null; // "the same format": by then, the format is known
  if (next === "empty" && HAS_JOBS) listJobs();
  part("download").textContent = done?.files.has(format.value) ?? true ? "Download" : "Enlarge and download";
}

/** Discard the picture and its result, for the job `next`, if there is one. Its address stays: the page may be reloaded. */
function discard(next = null) {
  run.abort();
  run = new AbortController(); // whatever ran does not report on its end
  hideProblem();
  clear();
  if (done) {
    [done.before, ...(done.layers ?? [])].forEach(release);
    format.value = "";
  }
  [picture, done, job] = [null, null, next];
  putInAddress(next);
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

/** Let the service go on with the picture, whatever becomes of this page. */
function handIn() {
  const file = picture;
  show(`Sending ${file.name}`);
  return attempt("sending", async (signal) => {
    const { id } = await submit(file, format.value, signal);
    job = { id, name: file.name };
    await follow(signal);
  });
}

/** The same while the picture is being enlarged, which goes on until the service has taken the job. */
async function move() {
  const [own, file] = [run, picture];
  enter("moving");
  show(`Sending ${file.name}`);
  part("cancel").focus({ preventScroll: true });
  let taken;
  try {
    taken = await submit(file, format.value, own.signal);
  } catch (error) {
    if (run !== own || done) return; // cancelled, superseded by another picture, or finished
    const failure = shown(error);
    if (!failure) return reset(...CANCELLED);
    if (state !== "moving") return fail(failure, handIn);
    enter("working");
    return say(failure.title, `${file.name} is still being enlarged here`);
  }
  if (run !== own || done) return cancel(taken.id).catch(() => {}); // it ends without that, too
  own.abort();
  job = { id: taken.id, name: file.name };
  return attempt("background", follow);
}

/** Go on with a job of an earlier visit. */
function reopen(earlier) {
  discard(earlier);
  return attempt("background", follow);
}

/** Follow the job to its end. */
async function follow(signal) {
  const own = job;
  remember(own);
  putInAddress(own);
  part("address").href = fragment(own);
  enter("background");
  say(`Enlarging ${own.name} in the background`, "");
  let result;
  try {
    result = await enlargeInBackground(own, picture, board, signal);
  } catch (error) {
    const failure = shown(error);
    if (failure && (failure.isEnd || !failure.again)) { // it will not come
      forget(own);
      putInAddress(null);
      if (picture) startAnew(picture);
      job = null;
    }
    throw error;
  }
  remember(own, true);
  const { accepted, blob, notes, layers } = result;
  const text = [`${formatName(accepted.format)}, ${bytes(accepted.size)}`, ...notes].join("; ");
  done = { ...result, files: new Map([[accepted.format, blob]]), title: `Now ${pixels(accepted)}`, text };
  format.value = accepted.format;
  finish();
  if (layers) compare(layers, accepted);
}

/** Give the job up. */
function giveUp() {
  cancel(job.id).catch(() => {}); // it ends without that, too
  forget(job);
  run.abort();
}

function finish() {
  if (job && !picture) enter(done.isShown ? "fetched" : "unseen");
  else enter(done.layers ? "done" : "undisplayable");
  say(done.title, done.text);
}

/** Save the result in the chosen format. For a new format, the service enlarges the picture again. */
function download() {
  const [file, name] = [done.files.get(format.value), (picture ?? job).name];
  if (file instanceof Blob || (file && !done.needsKey)) return save(file, name, format.value);
  if (file) return load(name);
  return attempt("converting", async (signal) => {
    const wanted = format.value;
    const { blob } = await enlargeAgain(picture, wanted, signal);
    done.files.set(wanted, blob);
    finish();
    save(blob, picture.name, wanted);
  });
}

/** Fetch a large result, and save it: a mere link would not send the key. */
function load(name) {
  return attempt("loading", async (signal) => {
    say(`Fetching ${name}`, done.text);
    const blob = await resultFile(job.id, signal);
    finish();
    save(blob, name, format.value);
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
    const isJob = ["sending", "background"].includes(during);
    if (failure && state === "moving") enter("sending"); // the job may still do it
    else if (failure && isJob && !job) fail(failure, picture && handIn);
    else if (failure) fail(failure, job || picture ? again : null, picture && !done && !job ? handIn : null);
    else if (done) finish();
    else reset(...CANCELLED);
  }
}

function again() {
  if (done) return download();
  return job ? attempt("background", follow) : take(picture);
}

function fail(failure, retry = null, later = null) {
  if (done) finish();
  else enter("failed");
  show(failure.title);
  const instead = HAS_JOBS && failure.later ? later : null;
  showProblem(failure, failure.again ? retry : null, instead, done ? "Back to the picture" : "Choose another picture");
}

function back() {
  if (!done) return reset();
  hideProblem();
  finish();
  part("download").focus();
}

part("max-bytes").textContent = bytes(MAX_BYTES);
part("another").addEventListener("click", () => reset());
part("cancel").addEventListener("click", () => (state === "background" ? giveUp() : run.abort()));
part("later").addEventListener("click", move);
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
  if (state === "background") return; // hours of work are not given up by a key
  if (VISIBLE[state].includes("cancel")) run.abort();
  else if (!part("problem").hidden) back();
});

/** Explain why a file is rejected. A running request continues, and a finished picture stays. */
function refuse(error, file = null) {
  const failure = shown(error);
  if (VISIBLE[state].includes("cancel")) return say(failure.title, failure.advice);
  const later = () => {
    discard();
    picture = file;
    handIn();
  };
  return fail(failure, null, file && later);
}

listenForForgetting(() => {
  stopRetry();
  say("The key is forgotten", "The page asks for one when it is needed");
  part("file").focus({ preventScroll: true });
});
listen((file) => check(file, MAX_BYTES).then(() => take(file), (error) => refuse(error, file)), refuse);
addEventListener("hashchange", () => inAddress() && reopen(inAddress()));
enter("empty");
if (HAS_JOBS && inAddress()) reopen(inAddress());
