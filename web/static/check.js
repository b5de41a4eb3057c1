/** What can be seen of a file before it is sent. */

import { Failure } from "./failures.js";
import { bytes } from "./words.js";

/**
 * Refuse what needn't be sent.
 *
 * @param {File} file
 * @param {number} mostBytes that the service reads
 */
export async function check(file, mostBytes) {
  if (file.type && !file.type.startsWith("image/")) {
    throw new Failure({
      title: "That is no picture",
      detail: `${file.name} says that it is ${file.type}.`,
      advice: "Choose a JPEG, PNG, WebP, TIFF, BMP or GIF.",
    });
  }
  if (file.size > mostBytes) {
    throw new Failure({
      title: "The file is too large",
      detail: `It has ${bytes(file.size)}, and this service takes up to ${bytes(mostBytes)}.`,
      advice: "Save the picture with a stronger compression, or make it smaller.",
    });
  }
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Failure({
      title: "The file can’t be read",
      detail: "It may be a folder, or may have been moved since.",
      advice: "Choose the picture again.",
    });
  }
}
