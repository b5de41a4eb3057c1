/** Jobs: pictures that the service enlarges whether or not this page stays open. */

import { readEvents } from "./events.js";
import { Failure, failureOf } from "./failures.js";
import { t } from "./messages.js";
import { post, request } from "./service.js";

const PAUSE = 2000; // ms between two questions, if the service doesn't say
const [MIN_PAUSE, MAX_PAUSE] = [200, 30_000]; // ms, whatever the service says
const MAX_ABSENCE = 600_000; // ms for which a service that is away is asked again
const SHOWN_BYTES = 64_000_000; // size of a file up to which a result is shown on the page
const EVENTS = "text/event-stream";
const ENDS = ["done", "failed", "cancelled"];

const keys = new WeakMap(); // Idempotency-Keys of pictures, so that sending one again finds its job

/**
 * Hand in a picture.
 *
 * @param {File | {name: string, url: string}} picture
 * @param {Object<string, string>} options of POST /jobs
 * @returns {Promise<{id: string}>} the job
 */
export async function submit(picture, options, signal) {
  if (!keys.has(picture)) keys.set(picture, crypto.getRandomValues(new Uint32Array(4)).join("-"));
  const headers = { "Idempotency-Key": [keys.get(picture), ...Object.values(options)].join("-") };
  const response = await post("jobs", picture, options, headers, signal);
  return response.json();
}

/** Let the next `submit` of a file make a new job. */
export function startAnew(file) {
  keys.delete(file);
}

/** Give a job up; of one that is done, delete the result. */
export async function cancel(id) {
  await request(place(id), { method: "DELETE" });
}

/**
 * Follow a job to its end, also while the connection is lost.
 *
 * @param {string} id
 * @param {(job: {status: string, done: number, total: number, secondsLeft: ?number}) => void} onNews
 * @param {AbortSignal} signal
 * @throws {Failure} it has failed, was cancelled, or is not known; or the service stays away
 */
export async function watch(id, onNews, signal) {
  const end = (await listened(id, onNews, signal)) ?? (await polled(id, onNews, signal));
  keepOnly(end);
}

/** Follow a job by its events, as often as the connection breaks; null if the service sends none. */
async function listened(id, onNews, signal) {
  let away = null; // since when there is no connection
  for (;;) {
    try {
      const response = await request(place(id), { headers: { Accept: EVENTS }, signal });
      if (!response.headers.get("Content-Type")?.startsWith(EVENTS)) return null;
      away = null;
      const end = await endOf(response, onNews);
      if (end) return end;
    } catch (error) {
      if (error.code === "unreachable") {
        away ??= performance.now();
        if (performance.now() - away > MAX_ABSENCE) throw error;
      } else if (error instanceof Failure && error.code !== "unauthorized" && !error.isEvent) {
        return null;
      } else {
        throw error;
      }
    }
    await later(PAUSE, signal);
  }
}

/** Read the events of a job; null if the connection broke before the last one. */
async function endOf(response, onNews) {
  try {
    for await (const { name, data } of readEvents(response.body)) {
      if (name === "problem") throw Object.assign(failureOf(data), { isEvent: true });
      if (name === "progress") onNews({ status: "running", ...data });
      if (name === "status") onNews(data);
      if (name === "status" && ENDS.includes(data.status)) return data;
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  return null;
}

/** Ask again and again. */
async function polled(id, onNews, signal) {
  let away = null; // since when there is no answer
  for (;;) {
    let pause = PAUSE;
    try {
      const response = await request(place(id), { headers: { Accept: "application/json" }, signal });
      const job = await response.json();
      away = null;
      onNews(job);
      if (ENDS.includes(job.status)) return job;
      pause = Number(response.headers.get("Retry-After")) * 1000 || PAUSE;
    } catch (error) {
      away ??= performance.now();
      if (!(error instanceof Failure && error.again) || error.code === "unauthorized") throw error;
      // Without Retry-After, after which the page would try again by itself.
      if (performance.now() - away > MAX_ABSENCE) throw Object.assign(error, { retryAfter: null });
      pause = (error.retryAfter ?? 5) * 1000;
    }
    await later(Math.max(MIN_PAUSE, Math.min(pause, MAX_PAUSE)), signal);
  }
}

function later(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

function keepOnly(job) {
  if (job.status === "done") return;
  throw Object.assign(failureOfJob(job), { isEnd: true });
}

function failureOfJob({ status, problem }) {
  if (status !== "failed") return new Failure(() => ({ title: t("given-up-title"), detail: t("given-up-detail") }));
  return problem ? failureOf(problem) : new Failure(() => ({ title: t("cannot-enlarge") }));
}

/**
 * Fetch a result.
 *
 * @returns {{format: string, width: number, height: number, size: number, notes: string[], blob: ?Blob}} `blob`: null if
 *   it is too large to be shown here
 */
export async function result(id, signal) {
  const response = await request(resultPlace(id), { signal });
  const { headers } = response;
  const size = Number(headers.get("Content-Length"));
  const blob = size <= SHOWN_BYTES ? await response.blob() : null;
  if (!blob) response.body.cancel();
  return {
    format: headers.get("Content-Type").replace(/^image\/(x-)?/, ""),
    width: Number(headers.get("X-Result-Width")),
    height: Number(headers.get("X-Result-Height")),
    notes: headers.get("X-Upscaler-Notes")?.split("; ") ?? [],
    size,
    blob,
  };
}

/**
 * Fetch a result that is not to be shown, whatever its size.
 *
 * @param {Object<string, string>=} options `format` and `quality`, if it is to be converted
 */
export async function resultFile(id, signal, options = {}) {
  const query = new URLSearchParams(options).toString();
  const response = await request(resultPlace(id) + (query && `?${query}`), { signal });
  return response.blob();
}

/** Where a result is. */
export function resultPlace(id) {
  return `${place(id)}/result`;
}

function place(id) {
  return `jobs/${encodeURIComponent(id)}`;
}
