/** Failures as shown to the user: what went wrong and what to do about it. */

// Advice by the `code` of a problem document. For other codes, `detail` is enough.
const ADVICE = {
  body_too_large: "Save the picture with a stronger compression, or make it smaller.",
  deadline_passed: "Make the picture smaller, or try again when the service is less busy.",
  decoder_unavailable: "Try again in a moment. If it keeps failing, tell whoever runs this service.",
  engine_failed: "Try again in a moment. If it keeps failing, tell whoever runs this service.",
  expired: "Send the picture again. Results are deleted after a while.",
  estimate_over_deadline: "Make the picture smaller, and try again.",
  format_cannot_hold: "Choose another format to save it as. PNG works for most pictures.",
  image_corrupt: "Try to open it in another program and save it again.",
  image_too_complex: "Open it in another program and save it again.",
  image_too_large: "Make the picture smaller, and try again.",
  image_undecodable: "Open it in another program and save it again.",
  internal_error: "Try again. If it fails again, tell whoever runs this service, with the number below.",
  service_stopping: "Try again in a moment. It is probably being restarted.",
  too_many_frames: "Send fewer frames or pages at a time.",
  unknown_job: "Send the picture again. The service forgets jobs after a while.",
  unsupported_image_format: "Save it as JPEG or PNG, and choose that file.",
};

// Codes of what a job may still do.
const FOR_JOBS = ["body_too_large", "deadline_passed", "estimate_over_deadline", "image_too_large", "queue_full"];

/**
 * A failure to show: what happened, what to do, and whether to offer a retry (`again`), or a job (`later`). `retryAfter`
 * is in s. `isEnd`: a job has ended without a result.
 */
export class Failure extends Error {
  constructor({ title, detail = "", advice = "", again = false, later = false, code = null, retryAfter = null, isEnd = false }) {
    super(title);
    Object.assign(this, { title, detail, advice, again, later, code, retryAfter, isEnd });
  }
}

/** The failure for a problem document (RFC 9457) or for one of the page's own checks. */
export function failureOf(problem, retryAfter = null) {
  let detail = problem.detail;
  if (problem.status >= 500 && problem.requestId) detail += ` (number ${problem.requestId})`;
  // The page counts down to the next attempt.
  if (problem.code === "rate_exceeded" && retryAfter) [detail] = detail.split(": send it again");
  const again = problem.status >= 500 || [408, 429].includes(problem.status) || problem.code === "format_cannot_hold";
  const later = FOR_JOBS.includes(problem.code);
  return new Failure({ ...problem, detail, advice: ADVICE[problem.code], again, later, retryAfter });
}

/** The failure for an error response. */
export async function failureOfAnswer(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  try {
    return failureOf(await response.json(), seconds || null);
  } catch {
    return new Failure({
      title: "A server in front of the service rejected the picture",
      detail: `The answer, probably from a proxy, was ${response.status} ${response.statusText}.`,
      advice: "Try a smaller picture, or ask whoever runs this service.",
      again: true,
      retryAfter: seconds || null,
    });
  }
}

/** The failure for a connection that could not be made, or broke. */
export function unreachable() {
  return new Failure({
    title: "The service can’t be reached",
    detail: "The connection failed, or was lost before the picture was finished.",
    advice: "Check the network, and try again.",
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
  return new Failure({ title: "An error in this page", detail: String(error), advice: "Reload the page and try again." });
}
