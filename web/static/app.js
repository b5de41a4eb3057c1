/** The page as an app: its worker, and the files that are shared with it or opened with it. */

import { unreachable } from "./failures.js";
import { say } from "./status.js";

const SHARED = "shared"; // the cache in which the worker puts them aside
const SHARE = /\/share\/\d+\/([^/]*)$/;

/** Give files to the page, as if they had been chosen. */
function give(files) {
  if (files.length) document.dispatchEvent(new CustomEvent("share", { detail: { files } }));
}

/**
 * The files that were shared. They are taken out.
 *
 * A page of another site can post files to `share` as well, but opens a tab with that and no window of the app: only
 * there they are given to the page, which sends them to the service.
 */
async function takeShared() {
  const cache = await caches.open(SHARED);
  const files = [];
  for (const key of await cache.keys()) {
    const [, name] = SHARE.exec(new URL(key.url).pathname) ?? [];
    const response = await cache.match(key);
    if (name && response) {
      const blob = await response.blob();
      files.push(new File([blob], decodeURIComponent(name), { type: blob.type }));
    }
  }
  await caches.delete(SHARED);
  return matchMedia("(display-mode: browser)").matches ? [] : files;
}

/** Say at once that there is no service: its worker opens the page all the same. */
async function greet() {
  try {
    await fetch("ping", { cache: "no-store" });
  } catch {
    const { title, advice } = unreachable();
    say(title, advice);
  }
}

async function start() {
  if (!("serviceWorker" in navigator)) return; // not over plain HTTP, but for localhost
  navigator.serviceWorker.register("app-worker.js").catch(() => {}); // the page works without it
  if (navigator.serviceWorker.controller) greet();
  if (new URLSearchParams(location.search).has("shared")) {
    history.replaceState(null, "", location.pathname + location.hash);
    give(await takeShared());
  }
  window.launchQueue?.setConsumer(async ({ files }) => give(await Promise.all(files.map((each) => each.getFile()))));
}

start();
