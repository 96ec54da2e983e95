// Carries the queue to the server. Used by the page, and by its worker when the page is closed.

import { heard, stamp } from "./clock.js";
import * as queue from "./queue.js";

const API = "/api/v1/patrol/phone";

let csrf = "";

export class SignedOut extends Error {}
export class Unreachable extends Error {}
class Enough extends Error {}
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail ?? "");
    this.problem = problem;
  }
}

async function request(path, options = {}, timeout = 15_000) {
  let answer;
  try {
    answer = await fetch(path, {
      ...options,
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(timeout),
      headers: { Accept: "application/json", ...options.headers },
    });
  } catch (error) {
    throw new Unreachable(String(error));
  }
  if (answer.status === 401) throw new SignedOut();
  if (answer.status === 429 && path.includes("/photos/")) throw new Enough();
  if (answer.status >= 500 || (answer.status === 429 && !path.includes("sign-off") && !path.includes("/pin"))) {
    throw new Unreachable(`HTTP ${answer.status}`);
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused({ status: answer.status, ...body });
  return body;
}

/** Who is signed in; also renews the token that every change needs. */
export async function me() {
  const found = await request("/api/v1/me");
  csrf = found.csrf_token;
  return found;
}

export const briefing = () => request(`${API}/rounds`);

/** What changed since `version`; null: what the phone has is still true. */
async function since(path, version) {
  try {
    return await request(`${API}/${path}`, { headers: { "If-None-Match": `"${version}"` } });
  } catch (error) {
    if (error instanceof Refused && error.problem.status === 304) return null;
    throw error;
  }
}
/** What is to be inspected. */
export const upkeep = (version) => since("upkeep", version);
/** What is measured and typed in. */
export const readings = (version) => since("readings", version);
export const fire = () => request(`${API}/fire`, {}, 8_000);
export const csrfToken = () => csrf;

/** Send a change; a stale token is renewed once. */
export async function post(path, body, { type = "application/json", timeout } = {}) {
  if (!csrf) await me();
  const send = () =>
    request(path, { method: "POST", body, headers: { "Content-Type": type, "X-CSRF-Token": csrf } }, timeout);
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof Refused) || error.problem.status !== 403) throw error;
    await me();
    return send();
  }
}

export const postJson = (path, body, timeout) => post(`${API}${path}`, JSON.stringify(body), { timeout });

const wire = ({ held, ...item }) => item;

/** One delivery: the next items, or the one named, or with nothing to deliver a sign of life. */
async function once(only, timeout) {
  const { items, left, more } = await queue.batch(only);
  if (only && !items.length) return { more };
  const sent = { phone: await queue.phone(), ...stamp(), queued: left, items: items.map(wire) };
  const answer = await postJson("/sync", sent, timeout);
  await queue.settle(items, answer.accepted, answer.refused);
  await heard(answer.server_ms);
  return { more, answer };
}

/** Deliver one item at once, past everything that waits. */
export const urgent = (id) => once(id, 8_000);

/** Deliver everything in order, then the pictures. Returns what the server answered last. */
export async function everything() {
  let last;
  for (;;) {
    const { more, answer } = await once(null);
    last = answer;
    const gone = answer.accepted.length + answer.refused.length;
    if (!more || !gone) break;
  }
  for (const { id, blob } of await queue.photos()) {
    try {
      await post(`${API}/photos/${id}`, blob, { type: "image/jpeg" });
    } catch (error) {
      if (error instanceof Enough) break; // of a day; the network is there, and they stay here until tomorrow
      if (!(error instanceof Refused)) throw error; // a picture that cannot be taken does not hold up the others
    }
    await queue.photoDone(id);
  }
  return last;
}
