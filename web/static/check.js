/** Checks of a file before it is sent. */

import { Failure, failureOf } from "./failures.js";
import { t } from "./messages.js";

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
    throw new Failure(() => ({ title: t("title-unsupported_media_type"), detail: t("type-of", { name, type }), advice: t("advice-unsupported_image_format") }));
  }
  if (!size) throw new Failure(() => ({ title: t("empty-file"), advice: t("empty-file-advice") }));
  if (size > MAX_FILE_BYTES) {
    throw failureOf({ code: "body_too_large", status: 413, limit: MAX_FILE_BYTES, actual: size, setting: "UPSCALER_MAX_BODY_BYTES" });
  }
  try {
    await picture.slice(0, 1).arrayBuffer();
  } catch {
    throw new Failure(() => ({ title: t("unreadable"), detail: t("unreadable-detail"), advice: t("unreadable-advice") }));
  }
}
