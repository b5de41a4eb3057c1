/** Checks of a file before it is sent. */

import { Failure, failureOf } from "./failures.js";
import { bytes } from "./words.js";

/**
 * Reject files that the service would reject, and unreadable ones.
 *
 * @param {File} file
 * @param {number} maxBytes the service's limit
 * @throws {Failure}
 */
export async function check(file, maxBytes) {
  if (file.type && !file.type.startsWith("image/")) {
    const detail = `The type of ${file.name} is ${file.type}`;
    throw failureOf({ title: "This is not a picture", detail, code: "unsupported_image_format" });
  }
  if (file.size > maxBytes) {
    const detail = `It has ${bytes(file.size)}; this service accepts up to ${bytes(maxBytes)}`;
    throw failureOf({ title: "The file is too large", detail, code: "body_too_large" });
  }
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Failure({
      title: "The file can’t be read",
      detail: "It may be a folder, or may have been moved.",
      advice: "Choose the picture again.",
    });
  }
}
