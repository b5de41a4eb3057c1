/** Enlarges a picture by the service and shows the progress. */

import { Board, decoded, release } from "./board.js";
import { t } from "./messages.js";
import { estimate, pictureOf, upscale } from "./service.js";
import { advance, say } from "./status.js";
import { duration, formatName, pixels } from "./words.js";

/**
 * Enlarge a picture, and draw it on the board tile by tile.
 *
 * @param {File | {name: string, url: string}} file the picture, or its address
 * @param {Object<string, string>} options of POST /upscale
 * @param {Board} board
 * @param {AbortSignal} signal
 * @returns {{accepted: object, blob: Blob, notes: string[], kept: ?string, before: ?HTMLImageElement, layers: ?Element[]}}
 *   the data of the `accepted` event, the enlarged file, what was lost, the job by which the service keeps the result, the decoded original (null if the browser can't show it),
 *   and the layers to compare (null if the browser can't show the result)
 */
export async function enlarge(file, options, board, signal) {
  const before = await decoded(file);
  try {
    return await enlargeFrom(before, file, options, board, signal);
  } catch (error) {
    if (before) release(before);
    throw error;
  }
}

async function enlargeFrom(before, file, options, board, signal) {
  if (before) {
    const size = { width: before.naturalWidth, height: before.naturalHeight };
    const expected = await estimate(size, options, signal);
    board.begin(expected);
    board.cover(before);
    const seconds = expected.seconds + expected.queueSeconds;
    const text = t("becomes", { from: pixels(size), to: pixels(expected), duration: duration(seconds) });
    say(t("sending", { name: file.name }), text);
  }
  let preview = null; // from the service, if the browser can't show the original
  let painted = 0; // finished px
  const result = await follow(file, { ...options, tiles: true }, signal, async (name, data, accepted) => {
    tell(file, name, data, accepted);
    if (name === "accepted" && !before) {
      board.begin(accepted);
    } else if (name === "preview" && !before) {
      preview = await createImageBitmap(pictureOf(data));
      board.cover(preview);
    } else if (name === "tile" && (data.frame === 0 || accepted.format !== "tiff")) {
      // Of a TIFF only the first page is shown: the sizes of pages may differ.
      board.draw(await createImageBitmap(pictureOf(data)), data);
      if (data.frame === 0) painted += data.width * data.height;
    }
  });
  const { accepted, blob, notes } = result;
  let after = await decoded(blob);
  if (signal.aborted) release(after);
  signal.throwIfAborted();
  if (!after && painted >= accepted.width * accepted.height) {
    after = board.copy();
    notes.push(t("note-differs", { format: formatName(accepted.format) }));
  } else if (!after) {
    notes.push(t("note-preview", { format: formatName(accepted.format) }));
  }
  // A still original is drawn in the size of the result, so that zooming shows the same px on both sides. An animated one
  // must keep playing.
  const plain = before && accepted.frames > 1 ? before : Board.of(accepted, before ?? preview).canvas;
  return { ...result, before, layers: after && [plain, after] };
}

/**
 * Enlarge a picture without showing it.
 *
 * @param {(name: string, data: object, accepted: ?object) => void} onEvent told of each event but the last
 * @returns {{accepted: object, blob: Blob, notes: string[], kept: ?string}}
 */
export function enlargeUnseen(file, options, signal, onEvent) {
  return follow(file, { ...options, tiles: false }, signal, onEvent);
}

/** Enlarge a picture again, for another format or quality. */
export function enlargeAgain(file, options, signal) {
  return enlargeUnseen(file, options, signal, (...event) => tell(file, ...event));
}

/** Show the progress of a request. */
function tell(file, name, data, accepted) {
  if (name === "accepted") {
    const values = { to: pixels(data), duration: duration(data.seconds), count: data.ahead };
    say(t("enlarging", { name: file.name }), t(data.ahead ? "to-left-others" : "to-left", values));
  } else if (name === "progress") {
    advance(data.done / data.total, t("to-left", { to: pixels(accepted), duration: duration(data.secondsLeft) }));
  }
}

/** Send a request, and read its answer. */
async function follow(file, options, signal, onEvent) {
  let [accepted, kept, notes] = [null, null, []];
  for await (const { name, data } of upscale(file, options, signal)) {
    if (name === "accepted") accepted = data;
    else if (name === "kept") kept = data.id;
    else if (name === "notes") notes = data.notes;
    else if (name === "result") return { accepted, notes, kept, blob: pictureOf({ ...data, mediaType: accepted.mediaType }) };
    await onEvent(name, data, accepted);
    signal.throwIfAborted();
  }
  throw new Error("upscale() ended without a result");
}
