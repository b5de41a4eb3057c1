/** Requests to the service. URLs are relative, because a proxy may serve the page below a path. */

import { readEvents } from "./events.js";
import { failureOf, failureOfAnswer, unreachable } from "./failures.js";
import { askForKey, key } from "./key.js";

const KEEPS = "keepMinutes" in document.body.dataset;

/**
 * Estimate the time for a picture.
 *
 * @param {{width: number, height: number}} size in px
 * @param {{width: string, scale: string, model: string}} options of POST /upscale; each may be missing
 * @returns the response of GET /estimate
 */
export async function estimate({ width, height }, options, signal) {
  const { width: targetWidth, scale, model } = options;
  const given = Object.entries({ width, height, targetWidth, scale, model }).filter(([, value]) => value !== undefined);
  const response = await request(`estimate?${new URLSearchParams(given)}`, { signal });
  return response.json();
}

/**
 * Enlarge a picture.
 *
 * @param {File | {name: string, url: string}} picture
 * @param {Object<string, string | boolean>} options of POST /upscale
 * @yields {{name: string, data: any}} the events of POST /upscale, `result` last
 */
export async function* upscale(picture, options, signal) {
  const headers = { Accept: "text/event-stream", ...(KEEPS ? { Prefer: "keep" } : {}) };
  const response = await post("upscale", picture, options, headers, signal);
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

/**
 * Send a picture.
 *
 * @param {string} place
 * @param {File | {name: string, url: string}} picture
 * @param {Object<string, string | boolean>} options as query parameters
 */
export function post(place, picture, options, headers, signal) {
  const isFile = picture instanceof File;
  const query = new URLSearchParams(isFile ? options : { ...options, imageUrl: picture.url });
  const all = isFile ? { ...headers, "Content-Type": "application/octet-stream" } : headers;
  return request(`${place}?${query}`, { method: "POST", headers: all, body: isFile ? picture : null, signal });
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
    await askForKey(used, options.signal);
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
