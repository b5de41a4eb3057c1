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
  [/FRAMES$|^size_out_of_range$/, Number], // of the latter, the message has the unit
];
const LIMIT_ALONE = ["deadline_passed", "too_many_frames"]; // codes whose words do without `actual`

/** A failure to show. It may be read again when the visitor has chosen another language. */
export class Failure extends Error {
  /**
   * @param {() => {title: string, detail: ?string, advice: ?string, number: ?string, said: ?string}} words what happened
   *   (`title`, `detail`) and what to do (`advice`), in the visitor's language; `number`: of the request, for whoever runs
   *   the service; `said`: what the service says, in English
   * @param facts whether to offer a retry (`again`), or a job (`later`); `retryAfter` is in s; `isEnd`: a job has ended
   *   without a result
   */
  constructor(words, { again = false, later = false, code = null, retryAfter = null, isEnd = false } = {}) {
    super(words().title);
    Object.assign(this, { words, again, later, code, retryAfter, isEnd });
  }

  get title() {
    return this.words().title;
  }

  get advice() {
    return this.words().advice ?? "";
  }

  get said() {
    return this.words().said ?? "";
  }

  /** What is said below the title. */
  get texts() {
    const { detail, advice, number } = this.words();
    return [detail, advice, number].filter(Boolean);
  }
}

/** The failure for a problem document (RFC 9457). */
export function failureOf(problem, retryAfter = null) {
  const { code, status, requestId } = problem;
  const isKnown = has(`title-${code}`);
  const words = () => {
    const detail = detailOf(problem);
    return {
      title: t(`title-${isKnown ? code : "other"}`),
      detail,
      // The page counts down to the next attempt.
      advice: status === 429 && retryAfter ? "" : t(`advice-${isKnown ? code : "other"}`),
      number: status >= 500 && requestId ? t("request-number", { number: requestId }) : "",
      said: detail === null || !isKnown || TELLING.includes(code) ? inMegapixels(problem.detail ?? problem.title ?? "") : "",
    };
  };
  const again = status >= 500 || [408, 429].includes(status) || code === "format_cannot_hold";
  return new Failure(words, { again, later: FOR_JOBS.includes(code), code, retryAfter });
}

/**
 * The numbers of a problem in words; "": the page has no words for this code, or the numbers would look the same; null: it
 * has words, but the unit is another one.
 */
function detailOf({ code, limit, actual, setting }) {
  const key = code === "image_too_large" && setting?.endsWith("QUEUE_PIXELS") ? "detail-image_too_large-memory" : `detail-${code}`;
  if (!has(key)) return "";
  const unit = UNITS.find(([ending]) => ending.test(setting ?? code))?.[1];
  if (!unit || limit == null) return null;
  if (LIMIT_ALONE.includes(code)) return t(key, { limit: unit(limit) });
  if (actual == null) return null;
  // "64 MP; up to 64 MP" explains nothing: then there are more digits.
  const extra = [0, 1, 2, 3].find((digits) => unit(limit, digits) !== unit(actual, digits));
  return extra === undefined ? "" : t(key, { limit: unit(limit, extra), actual: unit(actual, extra) });
}

/** The failure for an error response. */
export async function failureOfAnswer(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  const problem = await response.json().catch(() => null);
  if (problem?.code) return failureOf(problem, seconds || null);
  const status = `${response.status} ${response.statusText}`;
  const words = () => ({ title: t("proxy-title"), detail: t("proxy-detail", { status }), advice: t("proxy-advice") });
  return new Failure(words, { again: true, retryAfter: seconds || null });
}

/** The failure for a connection that could not be made, or broke. */
export function unreachable() {
  const words = () => ({ title: t("unreachable-title"), detail: t("unreachable-detail"), advice: t("unreachable-advice") });
  return new Failure(words, { again: true, later: true, code: "unreachable" });
}

/** Convert any error to a failure to show; null if the user cancelled. */
export function shown(error) {
  if (error instanceof Failure) return error;
  if (error.name === "AbortError") return null;
  console.error(error);
  return new Failure(() => ({ title: t("page-error"), detail: String(error), advice: t("page-error-advice") }));
}
