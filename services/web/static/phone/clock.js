// Three clocks: the wall clock as the phone shows it, the monotonic one, and how far the first is off ours.
// The server works out the true time from the first two; the third is only for what the screen shows.

import { keep, recall } from "./db.js";

const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

export function randomId(length = 26) {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => LETTERS[byte % 32]).join("");
}

/** One run of this page: monotonic times compare only within it. */
export const boot = randomId(16);

const LAST_MS = 4_102_444_799_999; // what the server takes for a time at all

export const stamp = () => ({
  boot,
  wall_ms: Math.min(Math.max(Date.now(), 0), LAST_MS),
  mono_ms: Math.round(performance.now()),
});

let skew = 0;

export async function start() {
  skew = await recall("skew", 0);
}

/** Our server said what time it is. */
export function heard(serverMs) {
  skew = serverMs - Date.now();
  return keep("skew", skew);
}

/** The time by our server's clock, as well as this phone knows it. */
export const now = () => Date.now() + skew;
export const skewMs = () => skew;
