/** One picture's way through the service, shown as it goes. */

import { Board, decoded, release } from "./board.js";
import { estimate, pictureOf, upscale } from "./service.js";
import { advance, say } from "./status.js";
import { duration, formatName, pixels } from "./words.js";

/**
 * Enlarge a picture, and draw it on the board tile by tile.
 *
 * @param {File} file the picture
 * @param {string} format of the result; empty: the picture's own
 * @param {Board} board
 * @param {AbortSignal} signal
 * @returns {{accepted: object, blob: Blob, notes: string[], before: ?HTMLImageElement, layers: ?Element[]}} what the
 *   service accepted, the enlarged file, what it lost; the layers to compare, null: this browser can't show the result
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
    const price = await estimate(size, signal);
    board.begin(price);
    board.cover(before);
    say(`Sending ${file.name}`, `${pixels(size)} become ${pixels(price)}, in about ${duration(price.seconds + price.queueSeconds)}`);
  }
  let coarse = null; // the service's preview, where the browser can't show the picture itself
  let painted = 0; // px that are final
  const { accepted, blob, notes } = await follow(file, { format, tiles: true, signal }, async (name, data, accepted) => {
    if (name === "accepted" && !before) {
      board.begin(accepted);
    } else if (name === "preview" && !before) {
      coarse = await createImageBitmap(pictureOf(data));
      board.cover(coarse);
    } else if (name === "tile" && (data.frame === 0 || accepted.format !== "tiff")) {
      // Pages of a TIFF may have sizes of their own: the first one is shown.
      board.draw(await createImageBitmap(pictureOf(data)), data);
      if (data.frame === 0) painted += data.width * data.height;
    }
  });
  let after = await decoded(blob);
  if (!after && painted >= accepted.width * accepted.height) {
    after = board.copy();
    notes.push(`this browser can’t show ${formatName(accepted.format)}: what you see is nearly what is in the file`);
  } else if (!after) {
    notes.push(`this browser can’t show ${formatName(accepted.format)}: download it to see more than a preview`);
  }
  // A still is enlarged once, so that both sides have the same px to zoom into; an animation has to go on.
  const plain = before && accepted.frames > 1 ? before : Board.of(accepted, before ?? coarse).canvas;
  return { accepted, blob, notes, before, layers: after && [plain, after] };
}

/** Enlarge a picture again, for another format. */
export function enlargeAgain(file, format, signal) {
  return follow(file, { format, tiles: false, signal }, () => {});
}

/** Follow the events of a request, and say how far it is; `see` gets each of them. */
async function follow(file, options, see) {
  let accepted = null;
  let notes = [];
  for await (const { name, data } of upscale(file, options)) {
    if (name === "accepted") {
      accepted = data;
      const others = data.ahead ? `, beside ${data.ahead} other picture${data.ahead > 1 ? "s" : ""}` : "";
      say(`Enlarging ${file.name}`, `To ${pixels(data)}, about ${duration(data.seconds)} left${others}`);
    } else if (name === "progress") {
      advance(data.done / data.total, `To ${pixels(accepted)}, about ${duration(data.secondsLeft)} left`);
    } else if (name === "notes") {
      notes = data.notes;
    } else if (name === "result") {
      return { accepted, notes, blob: pictureOf({ ...data, mediaType: accepted.mediaType }) };
    }
    await see(name, data, accepted);
    options.signal.throwIfAborted();
  }
  throw new Error("upscale() ended without a result");
}
