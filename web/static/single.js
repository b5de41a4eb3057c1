/** One picture: it is enlarged, compared, and saved in formats. */

import { Board, decoded, release } from "./board.js";
import { attempt, board, discard, enter, fail, finish, isHere, isJobAlone, now, part, present } from "./current.js";
import { enlarge, enlargeAgain } from "./enlarging.js";
import { shown } from "./failures.js";
import { handIn } from "./handing.js";
import { resultFile } from "./jobs.js";
import { t } from "./messages.js";
import { chosen, fileKey, saved } from "./options.js";
import { addResult } from "./recent.js";
import { save } from "./saving.js";
import { say, show } from "./status.js";
import { bytes, duration, formatName, pixels } from "./words.js";

let converting = new AbortController();

/** Enlarge a picture. */
export function take(picture) {
  discard();
  now.picture = picture;
  show(t("reading", { name: picture.name }));
  const ways = () => ({ again: () => take(picture), later: handIn });
  return attempt("working", async (signal) => {
    const start = performance.now();
    const options = chosen();
    const result = await enlarge(picture, options, board, signal);
    const seconds = (performance.now() - start) / 1000;
    const whole = { ...result, picture, options, seconds };
    addResult(whole);
    present(withFiles(whole));
  }, ways);
}

/**
 * Show a result again.
 *
 * @param {{picture: object, accepted: object, blob: Blob, notes: string[], kept: ?string, options: object}} result
 */
export async function open(result) {
  const { picture, accepted, blob } = result;
  discard();
  const own = now.run;
  const [before, after] = await Promise.all([decoded(picture), decoded(blob)]);
  if (now.run !== own) return [before, after].forEach(release); // superseded by another picture
  now.picture = picture;
  const plain = before && (accepted.frames > 1 ? before : Board.of(accepted, before).canvas);
  board.begin(accepted);
  if (after ?? before) board.cover(after ?? before);
  if (!before) release(after); // there is nothing to compare it with
  present(withFiles({ ...result, before, layers: before && after && [plain, after] }));
  part("download").focus({ preventScroll: true });
}

/** A result with its file, and with words. */
function withFiles(result) {
  const { accepted, before, blob, notes, options, seconds } = result;
  const files = new Map([[fileKey(accepted.format, options.quality ?? ""), blob]]);
  const words = () => {
    const to = pixels(accepted);
    const title = before ? t("became", { from: pixels({ width: before.naturalWidth, height: before.naturalHeight }), to }) : t("now", { to });
    const file = files.get(fileKey()) ?? blob;
    const values = { format: formatName(part("format").value), size: bytes(file.size) };
    const text = seconds === undefined ? t("result-short", values) : t("result-text", { ...values, duration: duration(seconds) });
    return [title, [text, ...notes].join("; ")];
  };
  return { ...result, files, words };
}

/** Save the result in the chosen format. */
export function download() {
  converting.abort();
  // Of a job without its picture there is one file, whatever is chosen.
  const file = isJobAlone() ? now.done.blob : now.done.files.get(fileKey());
  const { name } = now.picture ?? now.job;
  const format = isJobAlone() ? now.done.accepted.format : part("format").value;
  if (file instanceof Blob || (file && !now.done.needsKey)) return save(file, name, format);
  if (file) return load(name, format);
  return attempt("converting", async (signal) => {
    const converted = await convert(signal);
    finish();
    save(converted, name, format);
  }, () => ({ again: download }));
}

/** Another format or quality was chosen: show the file's size, if the service can convert its result. */
export async function chooseSaving() {
  converting.abort();
  const { done } = now;
  if (!done) return;
  enter(now.state);
  if (isHere()) return finish();
  const format = formatName(part("format").value);
  if (!done.kept) return say(t("another-run", { format }), t("again-in", { duration: duration(done.seconds ?? 0) }));
  const own = new AbortController();
  converting = own;
  say(done.words()[0], t("converting", { format }));
  try {
    await convert(own.signal);
    if (now.done === done && !own.signal.aborted) finish();
  } catch (error) {
    const failure = shown(error);
    if (failure && now.done === done && !own.signal.aborted) fail(failure, { again: chooseSaving });
  }
}

/** The result in the chosen format and quality: converted from what the service keeps, or enlarged again. */
async function convert(signal) {
  const { done, picture } = now;
  const [key, wanted] = [fileKey(), { ...saved(), format: part("format").value }];
  const { quality, ...others } = done.options; // of the first file alone
  const file = (await converted(done, wanted, signal)) ?? (await enlargeAgain(picture, { ...others, ...wanted }, signal)).blob;
  done.files.set(key, file);
  return file;
}

async function converted(done, wanted, signal) {
  if (!done.kept) return null;
  try {
    // If no quality is chosen, it is not that which the request had.
    return await resultFile(done.kept, signal, { quality: "default", ...wanted });
  } catch (error) {
    if (!["unknown_job", "expired"].includes(error.code)) throw error;
    done.kept = null; // it was kept for long enough
    return null;
  }
}

/** Fetch a large result, and save it: a mere link would not send the key. */
function load(name, format) {
  return attempt("loading", async (signal) => {
    say(t("fetching", { name }), now.done.words()[1]);
    const blob = await resultFile(now.job.id, signal);
    finish();
    save(blob, name, format);
  }, () => ({ again: download }));
}
