/** Follows a job of the service, and fetches what became of the picture. */

import { Board, decoded, release } from "./board.js";
import { result, resultPlace, watch } from "./jobs.js";
import { key } from "./key.js";
import { t } from "./messages.js";
import { advance, wait } from "./status.js";
import { formatName, progressOf } from "./words.js";

/**
 * Wait for the end of a job.
 *
 * @param {{id: string}} job
 * @param {?File | {name: string, url: string}} original the picture, if this page still has it
 * @param {Board} board shows the result, if there is nothing to compare it with
 * @param {AbortSignal} signal
 * @returns as `enlarge` does; `blob` may also be the address of a result that is too large for a page, and `isShown` is
 *   whether there is anything to see, `needsKey` whether a mere link to the address is not enough
 */
export async function enlargeInBackground(job, original, board, signal) {
  await watch(job.id, (news) => (news.total ? advance(news.done / news.total, progressOf(news)) : wait()), signal);
  const { blob, notes, ...accepted } = await result(job.id, signal);
  const needsKey = key() !== null;
  const before = original && (await decoded(original));
  const after = blob && (await decoded(blob));
  if (signal.aborted) [before, after].forEach(release);
  signal.throwIfAborted();
  if (!blob) notes.push(t("note-too-large"));
  else if (!after) notes.push(t("note-unseen", { format: formatName(accepted.format) }));
  const shown = after ?? before;
  if (shown) {
    board.begin(accepted);
    board.cover(shown);
  }
  if (!before) release(after); // there is nothing to compare it with
  // Animations are GIFs for the most part, and must keep playing.
  const layers = before && after && [accepted.format === "gif" ? before : Board.of(accepted, before).canvas, after];
  return { accepted, blob: blob ?? resultPlace(job.id), notes, before, layers, isShown: shown !== null, needsKey };
}
