/** Enlarges a picture by the service and shows the progress. */

import { Board, decoded, release } from "./board.js";
import { estimate, pictureOf, upscale } from "./service.js";
import { advance, say } from "./status.js";
import { duration, formatName, pixels } from "./words.js";

/**
 * Enlarge a picture, and draw it on the board tile by tile.
 *
 * @param {File} file the picture
 * @param {string} format output format; empty: that of the picture
 * @param {Board} board
 * @param {AbortSignal} signal
 * @returns {{accepted: object, blob: Blob, notes: string[], before: ?HTMLImageElement, layers: ?Element[]}} the data of
 *   the `accepted` event, the enlarged file, what was lost, the decoded original (null if the browser can't show it),
 *   and the layers to compare (null if the browser can't show the result)
 */
export async function enlarge(file, format, board, signal) {
  const before = await decoded(file);
  try {
    return await enlargeFrom(before, file, format, board, signal);
  } catch (error) {
    if (before) release(before);
    throw error;
  }
}

async function enlargeFrom(before, file, format, board, signal) {
  if (before) {
    const size = { width: before.naturalWidth, height: before.naturalHeight };
    const expected = await estimate(size, signal);
    board.begin(expected);
    board.cover(before);
    const seconds = expected.seconds + expected.queueSeconds;
    say(`Sending ${file.name}`, `${pixels(size)} become ${pixels(expected)}, in about ${duration(seconds)}`);
  }
  let preview = null; // from the service, if the browser can't show the original
  let painted = 0; // finished px
  const { accepted, blob, notes } = await follow(file, { format, tiles: true, signal }, async (name, data, accepted) => {
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
  let after = await decoded(blob);
  if (!after && painted >= accepted.width * accepted.height) {
    after = board.copy();
    notes.push(`this browser can’t show ${formatName(accepted.format)}: what you see differs slightly from the file`);
  } else if (!after) {
    notes.push(`this browser can’t show ${formatName(accepted.format)}: this is only a preview, download the file`);
  }
  // A still original is drawn in the size of the result, so that zooming shows the same px on both sides. An animated one
  // must keep playing.
  const plain = before && accepted.frames > 1 ? before : Board.of(accepted, before ?? preview).canvas;
  return { accepted, blob, notes, before, layers: after && [plain, after] };
}

/** Enlarge a picture again, into another format. */
export function enlargeAgain(file, format, signal) {
  return follow(file, { format, tiles: false, signal }, () => {});
}

/** Send a request and show its progress. `onEvent` is called for each event but the last. */
async function follow(file, options, onEvent) {
  let accepted = null;
  let notes = [];
  for await (const { name, data } of upscale(file, options)) {
    if (name === "accepted") {
      accepted = data;
      const others = data.ahead ? `, together with ${data.ahead} other picture${data.ahead > 1 ? "s" : ""}` : "";
      say(`Enlarging ${file.name}`, `To ${pixels(data)}, about ${duration(data.seconds)} left${others}`);
    } else if (name === "progress") {
      advance(data.done / data.total, `To ${pixels(accepted)}, about ${duration(data.secondsLeft)} left`);
    } else if (name === "notes") {
      notes = data.notes;
    } else if (name === "result") {
      return { accepted, notes, blob: pictureOf({ ...data, mediaType: accepted.mediaType }) };
    }
    await onEvent(name, data, accepted);
    options.signal.throwIfAborted();
  }
  throw new Error("upscale() ended without a result");
}
