/** Failures as shown to the user: what went wrong and what to do about it. */

import { has, language, t } from "./messages.js";
import { inMegapixels, megapixels } from "./words.js";

// Codes of what a job may still do.
const FOR_JOBS = ["body_too_large", "deadline_passed", "estimate_over_deadline", "image_too_large", "queue_full"];

/**
 * A failure to show: what happened, what to do, and whether to offer a retry (`again`), or a job (`later`). `retryAfter`
 * is in s. `isEnd`: a job has ended without a result. `lang`: the language of `detail`, if it is not the page's.
 */
export class Failure extends Error {
  constructor({ title, detail = "", advice = "", lang = null, again = false, later = false, code = null, retryAfter = null, isEnd = false }) {
    super(title);
    Object.assign(this, { title, detail, advice, lang, again, later, code, retryAfter, isEnd });
  }
}

/** The failure for a problem document (RFC 9457). */
export function failureOf(problem, retryAfter = null) {
  const { code, status } = problem;
  const again = status >= 500 || [408, 429].includes(status) || code === "format_cannot_hold";
  const title = has(`title-${code}`) ? t(`title-${code}`) : problem.title;
  const advice = has(`advice-${code}`) ? t(`advice-${code}`) : "";
  return new Failure({ ...problem, title, ...detailOf(problem, retryAfter), advice, again, later: FOR_JOBS.includes(code), retryAfter });
}

/** The failure for one of the page's own checks. */
export function refusal(title, detail, code) {
  return new Failure({ title, detail, advice: t(`advice-${code}`), later: FOR_JOBS.includes(code), code });
}

/** What the service says in English, unless the page has words of its own. */
function detailOf(problem, retryAfter) {
  const { code, limit, actual } = problem;
  if (has(`detail-${code}`) && limit != null && actual != null) {
    return { detail: t(`detail-${code}`, { limit: megapixels(limit), actual: megapixels(actual) }) };
  }
  let detail = inMegapixels(problem.detail ?? "");
  if (problem.status >= 500 && problem.requestId) detail += ` (${t("request-number", { number: problem.requestId })})`;
  // The page counts down to the next attempt.
  if (code === "rate_exceeded" && retryAfter) [detail] = detail.split(": send");
  return { detail, lang: language === "en" ? null : "en" };
}

/** The failure for an error response. */
export async function failureOfAnswer(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  try {
    return failureOf(await response.json(), seconds || null);
  } catch {
    return new Failure({
      title: t("proxy-title"),
      detail: t("proxy-detail", { status: `${response.status} ${response.statusText}` }),
      advice: t("proxy-advice"),
      again: true,
      retryAfter: seconds || null,
    });
  }
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
