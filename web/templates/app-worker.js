/**
 * The page's service worker. It opens the page where there is no service, and takes what other apps share.
 *
 * Nothing is answered from what is kept while the service answers, and requests to the API pass by untouched.
 */

const CACHE = "page-{{ edition }}"; // another one with each change of the page
const SHARED = "shared";
const FILES = {{ files | tojson }};
const SCOPE = new URL(self.registration.scope);

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(replace()));
self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (origin !== SCOPE.origin || !pathname.startsWith(SCOPE.pathname)) return;
  const path = pathname.slice(SCOPE.pathname.length);
  if (method === "POST" && path === "share") event.respondWith(take(event.request));
  else if (method === "GET" && (path === "" || path.startsWith("web/"))) event.respondWith(answer(event.request, path));
});

async function keep() {
  const cache = await caches.open(CACHE);
  await cache.addAll(["", ...FILES.map((name) => `web/${name}`)].map((path) => new Request(new URL(path, SCOPE), { cache: "no-cache" })));
  await self.skipWaiting();
}

/** Delete what other editions have kept, and serve the pages that are open. */
async function replace() {
  for (const name of await caches.keys()) {
    if (name.startsWith("page-") && name !== CACHE) await caches.delete(name);
  }
  await self.clients.claim();
}

/** The service's answer; what is kept, if there is none. */
async function answer(request, path) {
  try {
    return await fetch(request);
  } catch (error) {
    const cache = await caches.open(CACHE);
    const kept = await cache.match(new URL(path, SCOPE));
    if (kept) return kept;
    throw error;
  }
}

/** Put shared pictures aside for the page, and open it. They have not left the browser. */
async function take(request) {
  const form = await request.formData();
  const cache = await caches.open(SHARED);
  for (const key of await cache.keys()) await cache.delete(key);
  const files = form.getAll("image").filter((file) => file instanceof File);
  await Promise.all(files.map((file, index) => cache.put(
    new URL(`share/${index}/${encodeURIComponent(file.name)}`, SCOPE),
    new Response(file, { headers: { "Content-Type": file.type || "application/octet-stream" } }),
  )));
  return Response.redirect(new URL("?shared", SCOPE), 303);
}
