// Keeps the app for the hours without network, and delivers what is left when the page is closed.
// SHELL (version and files) is written in front of this file by the server.

import { everything } from "/static/phone/deliver.js";

const CACHE = `gengfu-patrol-${SHELL.version}`;
const LOCK = "gengfu-patrol-sync";

self.addEventListener("install", (event) => {
  const fresh = SHELL.files.map((file) => new Request(file, { cache: "reload", redirect: "error" })); // never keep a sign-in page
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(fresh))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith("gengfu-patrol-") && name !== CACHE) await caches.delete(name);
      }
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const ours = url.origin === location.origin && event.request.method === "GET";
  if (!ours || !SHELL.files.includes(url.pathname)) return;
  event.respondWith(
    (async () => {
      const cache = await caches.open(CACHE);
      return (await cache.match(url.pathname)) ?? fetch(event.request);
    })(),
  );
});

self.addEventListener("sync", (event) => {
  if (event.tag !== "deliver") return;
  event.waitUntil(
    (async () => {
      await navigator.locks.request(LOCK, everything);
      for (const page of await self.clients.matchAll()) page.postMessage("delivered");
    })(),
  );
});
