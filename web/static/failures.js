/** Failures as shown to the user: what went wrong and what to do about it. */

import { has, t } from "./messages.js";
import { bytes, duration, inMegapixels, megapixels } from "./words.js";

// Codes of what a job may still do.
const FOR_JOBS = ["body_too_large", "deadline_passed", "estimate_over_deadline", "image_too_large", "queue_full"];
// Codes of which the service's own words say more: what the file is, or what of it does not fit.
const TELLING = ["format_cannot_hold", "malformed_message", "unsupported_image_format", "unsupported_image_mode"];
// How `limit` and `actual` are said, by the end of the name of the setting, or by a code that has none.
const UNITS = [
  [/PIXELS$/, megapixels],
  [/BYTES$/, bytes],
  [/TIMEOUT$/, duration],
  [/FRAMES$|^size_out_of_range$/, Number],
];
const LIMIT_ALONE = ["deadline_passed", "too_many_frames"]; // codes whose words do without `actual`

/**
 * A failure to show: what happened (`title`, `detail`), what to do (`advice`), and whether to offer a retry (`again`), or a
 * job (`later`). `number`: of the request, for whoever runs the service; `said`: what the service says, in English.
 * `retryAfter` is in s. `isEnd`: a job has ended without a result.
 */
export class Failure extends Error {
  constructor({ title, detail = "", advice = "", number = "", said = "", again = false, later = false, code = null, retryAfter = null, isEnd = false }) {
    super(title);
    Object.assign(this, { title, detail, advice, number, said, again, later, code, retryAfter, isEnd });
  }

  /** What is said below the title, in the user's language. */
  get texts() {
    return [this.detail, this.advice, this.number].filter(Boolean);
  }
}

/** The failure for a problem document (RFC 9457). */
export function failureOf(problem, retryAfter = null) {
  const { code, status, requestId } = problem;
  const isKnown = has(`title-${code}`);
  const again = status >= 500 || [408, 429].includes(status) || code === "format_cannot_hold";
  const detail = detailOf(problem);
  return new Failure({
    title: t(`title-${isKnown ? code : "other"}`),
    detail: detail ?? "",
    // The page counts down to the next attempt.
    advice: status === 429 && retryAfter ? "" : t(`advice-${isKnown ? code : "other"}`),
    number: status >= 500 && requestId ? t("request-number", { number: requestId }) : "",
    said: detail === null || !isKnown || TELLING.includes(code) ? inMegapixels(problem.detail ?? problem.title ?? "") : "",
    again,
    later: FOR_JOBS.includes(code),
    code,
    retryAfter,
  });
}

/** The numbers of a problem in words; "": the page has none for this code; null: it has, but the unit is another one. */
function detailOf({ code, limit, actual, setting }) {
  const key = code === "image_too_large" && setting?.endsWith("QUEUE_PIXELS") ? "detail-image_too_large-memory" : `detail-${code}`;
  if (!has(key)) return "";
  const unit = UNITS.find(([ending]) => ending.test(setting ?? code))?.[1];
  if (!unit || limit == null) return null;
  if (LIMIT_ALONE.includes(code)) return t(key, { limit: unit(limit) });
  if (actual == null) return null;
  let extra = 0; // digits, as "64 MP; up to 64 MP" explains nothing
  while (extra < 3 && unit(limit, extra) === unit(actual, extra)) extra++;
  return t(key, { limit: unit(limit, extra), actual: unit(actual, extra) });
}

/** The failure for an error response. */
export async function failureOfAnswer(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  const problem = await response.json().catch(() => null);
  if (problem?.code) return failureOf(problem, seconds || null);
  return new Failure({
    title: t("proxy-title"),
    detail: t("proxy-detail", { status: `${response.status} ${response.statusText}` }),
    advice: t("proxy-advice"),
    again: true,
    retryAfter: seconds || null,
  });
}

/** The failure for a connection that could not be made, or broke. */
export function unreachable() {
  return new Failure({
    title: t("unreachable-title"),
    detail: t("unreachable-detail"),
    advice: t("unreachable-advice"),
    again: true,
    later: true,
    code: "unreachable",
  });
}

/** Convert any error to a failure to show; null if the user cancelled. */
export function shown(error) {
  if (error instanceof Failure) return error;
  if (error.name === "AbortError") return null;
  console.error(error);
  return new Failure({ title: t("page-error"), detail: String(error), advice: t("page-error-advice") });
}
