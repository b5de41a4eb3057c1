/** What went wrong, in words, and what to do about it. */

// By the `code` of a problem document; others are explained well enough by their `detail`.
const ADVICE = {
  body_too_large: "Save the picture with a stronger compression, or make it smaller.",
  deadline_passed: "Make the picture smaller, or try again when the service is less busy.",
  engine_failed: "Try again in a moment. If it stays like this, tell whoever runs this service.",
  estimate_over_deadline: "Make the picture smaller, and try again.",
  format_cannot_hold: "Choose another format to save it as; PNG holds most pictures.",
  image_corrupt: "Try to open it elsewhere and to save it anew.",
  image_too_complex: "Open it elsewhere and save it anew.",
  image_too_large: "Make the picture smaller, and try again.",
  internal_error: "Try again. If it fails again, tell whoever runs this service, with the number below.",
  service_stopping: "Try again in a moment: it is restarted, most likely.",
  too_many_frames: "Send fewer frames or pages at a time.",
  unsupported_image_format: "Save it as JPEG, PNG, WebP, TIFF, BMP or GIF, and choose that.",
  unsupported_image_mode: "Save it in an ordinary variant of its format first, such as 8 bits a channel.",
};

/** A failure that is shown: what happened, what to do, and whether trying again can help (`retryAfter` in s). */
export class Failure extends Error {
  constructor({ title, detail = "", advice = "", again = false, retryAfter = null }) {
    super(title);
    Object.assign(this, { title, detail, advice, again, retryAfter });
  }
}

/** The failure that a problem document describes (RFC 9457), or that this page saw before it sent anything. */
export function failureOf(problem, retryAfter = null) {
  let detail = problem.detail;
  if (problem.status >= 500 && problem.requestId) detail += ` (number ${problem.requestId})`;
  const again = problem.status >= 500 || [408, 429].includes(problem.status) || problem.code === "format_cannot_hold";
  return new Failure({ title: problem.title, detail, advice: ADVICE[problem.code], again, retryAfter });
}

/** The failure of an answer that is no success. */
export async function failureOfAnswer(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  try {
    return failureOf(await response.json(), seconds || null);
  } catch {
    return new Failure({
      title: "Something before the service refused the picture",
      detail: `The answer was ${response.status} ${response.statusText}, from a proxy perhaps.`,
      advice: "Try a smaller picture, or ask whoever runs this service.",
      again: true,
      retryAfter: seconds || null,
    });
  }
}

/** The service was not there, or went away. */
export function unreachable() {
  return new Failure({
    title: "The service can’t be reached",
    detail: "The connection failed, or broke before the picture was finished.",
    advice: "Check the network, and try again.",
    again: true,
  });
}

/** Whatever was thrown, as something to show; null for what the user ended. */
export function shown(error) {
  if (error instanceof Failure) return error;
  if (error.name === "AbortError") return null;
  console.error(error);
  return new Failure({ title: "This page has a defect", detail: String(error), advice: "Reload it, and try again." });
}
