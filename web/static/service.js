/** Requests to the service. URLs are relative, because a proxy may serve the page below a path. */

import { readEvents } from "./events.js";
import { failureOf, failureOfAnswer, unreachable } from "./failures.js";
import { askForKey, key } from "./key.js";

/**
 * Estimate the time for a picture.
 *
 * @param {{width: number, height: number}} size in px
 * @returns the response of GET /estimate
 */
export async function estimate({ width, height }, signal) {
  const response = await request(`estimate?${new URLSearchParams({ width, height })}`, { signal });
  return response.json();
}

/**
 * Enlarge a picture.
 *
 * @param {Blob} file the picture
 * @param {{format: string, tiles: boolean, signal: AbortSignal}} options `format`: empty for that of the picture
 * @yields {{name: string, data: any}} the events of POST /upscale, `result` last
 */
export async function* upscale(file, { format, tiles, signal }) {
  const options = new URLSearchParams(format ? { tiles, format } : { tiles });
  const headers = { "Content-Type": "application/octet-stream", Accept: "text/event-stream" };
  const response = await request(`upscale?${options}`, { method: "POST", headers, body: file, signal });
  try {
    for await (const event of readEvents(response.body)) {
      if (event.name === "problem") throw failureOf(event.data);
      yield event;
      if (event.name === "result") return;
    }
  } catch (error) {
    throw error instanceof TypeError ? unreachable() : error;
  }
  throw unreachable();
}

/** Fetch a sample picture as a file. */
export async function sample(url) {
  const response = await request(url);
  const blob = await response.blob();
  return new File([blob], url.split("/").pop(), { type: blob.type });
}

/** Decode the picture in an event. */
export function pictureOf({ imageBase64, mediaType }) {
  const text = atob(imageBase64);
  const data = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) data[index] = text.charCodeAt(index);
  return new Blob([data], { type: mediaType });
}

/**
 * Send a request, with the API key if there is one. If the service needs another one, the user is asked.
 *
 * @throws {Failure} there is no answer, or an error
 */
export async function request(url, options = {}) {
  for (;;) {
    const used = key();
    const response = await send(url, used ? withKey(options, used) : options);
    if (response.ok) return response;
    const failure = await failureOfAnswer(response);
    if (failure.code !== "unauthorized") throw failure;
    await askForKey(used, failure.detail, options.signal);
  }
}

async function send(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    throw error instanceof TypeError ? unreachable() : error;
  }
}

function withKey(options, text) {
  return { ...options, headers: { ...options.headers, Authorization: `Bearer ${text}` } };
}
