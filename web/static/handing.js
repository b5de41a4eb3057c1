/** Pictures that the service goes on with, whatever becomes of this page. */

import { enlargeInBackground } from "./background.js";
import { attempt, board, discard, enter, fail, now, part, present, reset } from "./current.js";
import { shown } from "./failures.js";
import { cancel, startAnew, submit } from "./jobs.js";
import { t } from "./messages.js";
import { chosen, fileKey } from "./options.js";
import { addResult } from "./recent.js";
import { forget, fragment, putInAddress, remember } from "./remembered.js";
import { say, show } from "./status.js";
import { bytes, formatName, pixels } from "./words.js";

const KEEPS = "keepMinutes" in document.body.dataset;

/** Go on with a job of an earlier visit. */
export function reopen(earlier) {
  discard(earlier);
  return resume();
}

/** Let the service go on with the picture. */
export function handIn() {
  const { picture } = now;
  show(t("sending", { name: picture.name }));
  return attempt("sending", async (signal) => {
    const options = chosen();
    const { id } = await submit(picture, options, signal);
    now.job = { id, name: picture.name, options };
    await follow(signal);
  }, ways);
}

/** The same while the picture is being enlarged, which goes on until the service has taken the job. */
export async function move() {
  const [own, file] = [now.run, now.picture];
  enter("moving");
  show(t("sending", { name: file.name }));
  part("cancel").focus({ preventScroll: true });
  const options = chosen();
  let taken;
  try {
    taken = await submit(file, options, own.signal);
  } catch (error) {
    if (now.run !== own || now.done) return; // cancelled, superseded by another picture, or finished
    const failure = shown(error);
    if (!failure) return reset(t("cancelled"), t("choose-any-time"));
    if (now.state !== "moving") return fail(failure, { again: handIn });
    enter("working");
    return say(failure.title, t("still-here", { name: file.name }));
  }
  if (now.run !== own || now.done) return cancel(taken.id).catch(() => {}); // it ends without that, too
  own.abort();
  now.job = { id: taken.id, name: file.name, options };
  return resume();
}

/** Give the job up. */
export function giveUp() {
  cancel(now.job.id).catch(() => {}); // it ends without that, too
  forget(now.job);
  now.run.abort();
}

function resume() {
  return attempt("background", follow, ways);
}

/** A job that may still come is followed again; one that will not is made anew, if the picture is here. */
function ways() {
  return { again: now.job ? resume : now.picture && handIn };
}

/** Follow the job to its end. */
async function follow(signal) {
  const own = now.job;
  remember(own);
  putInAddress(own);
  part("address").href = fragment(own);
  enter("background");
  say(t("enlarging-background", { name: own.name }), "");
  let result;
  try {
    result = await enlargeInBackground(own, now.picture, board, signal);
  } catch (error) {
    const failure = shown(error);
    if (failure && (failure.isEnd || !failure.again)) { // it will not come
      forget(own);
      putInAddress(null);
      if (now.picture) startAnew(now.picture);
      now.job = null;
    }
    throw error;
  }
  remember(own, true);
  const { accepted, blob, notes } = result;
  const { picture } = now;
  const options = own.options ?? {};
  const files = new Map([[fileKey(accepted.format, options.quality ?? ""), blob]]);
  const words = () => {
    const file = files.get(fileKey()) ?? blob;
    const size = bytes(file instanceof Blob ? file.size : accepted.size);
    const values = { format: formatName(part("format").value), size };
    return [t("now", { to: pixels(accepted) }), [t("result-short", values), ...notes].join("; ")];
  };
  const kept = KEEPS && blob instanceof Blob ? own.id : null;
  if (blob instanceof Blob && picture) addResult({ ...result, picture, options, kept });
  present({ ...result, kept, options, files, words });
}
