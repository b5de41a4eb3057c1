/** Checks of a file before it is sent. */

import { Failure, refusal } from "./failures.js";
import { t } from "./messages.js";
import { bytes } from "./words.js";

/** Bytes of the largest file that the service takes. */
export const MAX_FILE_BYTES = Number(document.body.dataset.maxBodyBytes);

/**
 * Reject files that the service would reject, and unreadable ones.
 *
 * @param {File | {name: string, url: string}} picture of an address, the service checks everything
 * @throws {Failure}
 */
export async function check(picture) {
  if (!(picture instanceof File)) return;
  const { name, size, type } = picture;
  if (type && !type.startsWith("image/")) {
    throw refusal(t("not-a-picture"), t("type-of", { name, type }), "unsupported_image_format");
  }
  if (size > MAX_FILE_BYTES) {
    throw refusal(t("file-too-large"), t("file-size", { size: bytes(size), limit: bytes(MAX_FILE_BYTES) }), "body_too_large");
  }
  try {
    await picture.slice(0, 1).arrayBuffer();
  } catch {
    throw new Failure({ title: t("unreadable"), detail: t("unreadable-detail"), advice: t("unreadable-advice") });
  }
}
