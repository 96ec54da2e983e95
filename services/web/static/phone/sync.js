// When to deliver: after every tap, when the network comes back, when the page is looked at, and now and then anyway.

import * as deliver from "./deliver.js";

const HEARTBEAT_MS = 45_000;
const BACKOFF_MS = [2_000, 4_000, 8_000, 15_000, 30_000, 60_000];
const LOCK = "gengfu-patrol-sync";

export const status = { state: "unknown", failures: 0 };

let tell = () => {};
let timer = 0;
let running = null;
let again = false;

/** `told({state, answer})` after every try; state is ok, offline, or signed_out. */
export function start(told) {
  tell = told;
  addEventListener("online", soon);
  addEventListener("offline", () => report("offline"));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) soon();
  });
  navigator.serviceWorker?.addEventListener("message", (event) => {
    if (event.data === "delivered") tell({ state: status.state });
  });
  soon();
}

/** Deliver now; what is already under way is followed by another one. */
export function soon() {
  again = Boolean(running);
  running ??= run().finally(() => {
    running = null;
    if (again) soon();
  });
  return running;
}

async function run() {
  clearTimeout(timer);
  try {
    const answer = await alone(deliver.everything);
    status.failures = 0;
    report("ok", answer);
  } catch (error) {
    status.failures += 1;
    const shut = error instanceof deliver.SignedOut || error.problem?.status === 403;
    report(shut ? "signed_out" : "offline");
    askForBackground();
  }
  const wait = status.failures ? BACKOFF_MS[Math.min(status.failures - 1, BACKOFF_MS.length - 1)] : HEARTBEAT_MS;
  timer = setTimeout(soon, wait * (0.8 + 0.4 * Math.random()));
}

/** Two pages and the worker share one queue: one of them delivers at a time. */
const alone = (work) => (navigator.locks ? navigator.locks.request(LOCK, work) : work());

function report(state, answer = null) {
  status.state = state;
  tell({ state, answer });
}

async function askForBackground() {
  const registration = await navigator.serviceWorker?.getRegistration("/patrol/");
  await registration?.sync?.register("deliver").catch(() => {}); // not in every browser, and may be forbidden
}
