/** Several pictures: the queue on the page, and all results as one ZIP. */

import { MAX_BYTES, pack, packedSize } from "./archive.js";
import { discard, enter, fail, now, part } from "./current.js";
import { Failure } from "./failures.js";
import { onLanguage, t } from "./messages.js";
import { Queue } from "./queue.js";
import { addResult } from "./recent.js";
import { listRows, showRow } from "./rows.js";
import { resultName, save, saveAs } from "./saving.js";
import { open } from "./single.js";
import { entitle, say, show } from "./status.js";
import { bytes, duration } from "./words.js";

const MAX_PICTURES = 500;
const NOTHING_LEFT = ["done", "failed", "cancelled"];

const queue = new Queue(changed);
const actions = {
  cancel: (entry) => queue.cancel(entry),
  retry: (entry) => queue.retry(entry),
  compare: (entry) => open(entry.result),
  save: ({ result: { blob, picture, accepted } }) => save(blob, picture.name, accepted.format),
};
let skipped = 0; // files that are no pictures
let isPacking = false;

/** Whether pictures are in the queue. */
export function hasQueue() {
  return queue.entries.length > 0;
}

/**
 * Append pictures to the queue, and show it.
 *
 * @param {(File | {name: string, url: string})[]} pictures
 * @param {number} others files that came with them and are no pictures
 * @throws {Failure} these are too many
 */
export function enqueue(pictures, others) {
  if (queue.entries.length + pictures.length > MAX_PICTURES) {
    const limit = MAX_PICTURES;
    throw new Failure(() => ({ title: t("too-many-title"), detail: t("too-many-detail", { limit }), advice: t("too-many-advice") }));
  }
  skipped += others;
  now.toList = showList;
  discard();
  enter("queue");
  queue.add(pictures);
  part("queue").focus({ preventScroll: true });
}

/** Show the queue. */
export function showList() {
  discard();
  enter("queue");
  listRows(queue.entries, actions);
  tell();
  part("queue").focus({ preventScroll: true });
}

/** Empty the queue. */
export function clearQueue() {
  now.toList = null;
  skipped = 0;
  queue.clear();
  listRows([], actions); // otherwise the rows would keep their files in memory
}

/** Save all results as one ZIP. */
export async function downloadAll() {
  const files = queue.entries.flatMap(({ result }) => result ? [{ name: resultName(result.picture.name, result.accepted.format), blob: result.blob }] : []);
  const size = packedSize(files);
  if (size > MAX_BYTES) {
    const numbers = () => ({ size: bytes(size), limit: bytes(MAX_BYTES) });
    return fail(new Failure(() => ({ title: t("zip-large-title"), detail: t("zip-large-detail", numbers()), advice: t("zip-large-advice") })));
  }
  isPacking = true;
  tell();
  try {
    saveAs(await pack(files), "enlarged.zip");
  } finally {
    isPacking = false;
    tell();
  }
}

function changed(entry) {
  if (entry?.status === "done" && !entry.isRemembered) {
    entry.isRemembered = true;
    addResult(entry.result);
  }
  if (now.state !== "queue") return;
  if (entry) showRow(entry);
  else listRows(queue.entries, actions);
  tell(entry !== null && NOTHING_LEFT.includes(entry.status));
}

/** Show how far the queue is; aloud, when a picture has ended. */
function tell(isAloud = false) {
  if (now.state !== "queue") return;
  const progress = part("progress");
  const isDone = queue.isIdle;
  progress.hidden = isDone;
  progress.value = queue.share;
  part("download-all").hidden = !queue.count("done");
  part("download-all").disabled = isPacking;
  entitle(isDone ? 1 : queue.share);
  const [title, text] = words();
  const isNews = part("headline").textContent !== title;
  if (isAloud && isNews) say(title, text);
  else show(title, text);
}

function words() {
  const [done, failed, count] = [queue.count("done"), queue.count("failed"), queue.entries.length];
  const left = queue.pausedUntil === null ? null : Math.max(0, queue.pausedUntil - performance.now()) / 1000;
  const title = isPacking ? t("zip-saving", { count: done }) : queue.isIdle ? t("queue-done", { count: done }) : t("queue-working", { done, count });
  const texts = [
    left !== null && t("queue-pauses", { duration: duration(left) }),
    failed && t("queue-failed", { count: failed }),
    skipped && t("skipped", { count: skipped }),
  ];
  return [title, texts.filter(Boolean).join("; ")];
}

onLanguage(() => {
  if (now.state !== "queue") return;
  listRows(queue.entries, actions);
  tell();
});
