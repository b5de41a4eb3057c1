/** What can be seen of a file before it is sent. */

import { Failure, failureOf } from "./failures.js";
import { bytes } from "./words.js";

/**
 * Refuse what needn't be sent.
 *
 * @param {File} file
 * @param {number} mostBytes that the service reads
 */
export async function check(file, mostBytes) {
  if (file.type && !file.type.startsWith("image/")) {
    const detail = `The file ${file.name} says that it is ${file.type}`;
    throw failureOf({ title: "That is no picture", detail, code: "unsupported_image_format" });
  }
  if (file.size > mostBytes) {
    const detail = `It has ${bytes(file.size)}, and this service takes up to ${bytes(mostBytes)}`;
    throw failureOf({ title: "The file is too large", detail, code: "body_too_large" });
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
