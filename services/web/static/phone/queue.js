// What the phone still has to deliver. An item leaves only when the server's answer names it.

import { randomId, stamp } from "./clock.js";
import { all, count, get, keep, recall, remove, write } from "./db.js";

const BATCH = 50;
const MOST_BYTES = 700_000;
export const HELD_MS = 10 * 60_000; // a tap waits so long for its checklist
const REMEMBER_MS = 3 * 86_400_000;

/** This installation's own name. */
export async function phone() {
  const known = await recall("phone");
  if (known) return known;
  const fresh = randomId(20);
  await keep("phone", fresh);
  return fresh;
}

/** Keep one item; `trace` is what the screen remembers of a tap. Resolves when both are on disk. */
export function add(kind, by, data, trace = null) {
  const item = { client_id: randomId(), kind, by, ...stamp(), ...data };
  return write(["meta", "queue", "taps"], async (stores, asked) => {
    const last = (await asked(stores.meta.get("seq")))?.value ?? 0;
    item.seq = last + 1;
    stores.meta.put({ key: "seq", value: item.seq });
    stores.queue.put(item);
    if (trace) stores.taps.put({ ...trace, client_id: item.client_id });
    return item;
  });
}

/** A held tap is complete: its answers go with it. False when it has left already. */
export function finish(seq, data) {
  return write(["queue"], async (stores, asked) => {
    const item = await asked(stores.queue.get(seq));
    if (!item) return false;
    stores.queue.put({ ...item, held: false, ...data });
    return true;
  });
}

const ready = (item) => !item.held || Date.now() - item.wall_ms > HELD_MS || Date.now() < item.wall_ms;

/** The next items to deliver, in order, how many are left besides, and whether another delivery follows. */
export async function batch(only = null) {
  const items = await all("queue");
  const wanted = items.filter((item) => (only ? item.client_id === only : ready(item))).slice(0, BATCH);
  const chosen = wanted.slice(0, fitting(wanted));
  const more = chosen.length < wanted.length || wanted.length === BATCH;
  return { items: chosen, left: items.length - chosen.length, more };
}

/** How many of them go into one request: checklists are long, and the server takes a mebibyte; always one. */
function fitting(items) {
  let size = 0;
  const over = items.findIndex((item, index) => {
    size += JSON.stringify(item).length * 3; // a Chinese character is three bytes
    return index > 0 && size > MOST_BYTES;
  });
  return over < 0 ? items.length : over;
}

export const held = async () => (await all("queue")).find((item) => item.held) ?? null;
export const cry = async () => (await all("queue")).findLast((item) => item.kind === "sos") ?? null;
export const said = async () => (await all("queue")).filter((item) => item.kind.startsWith("fire_"));
export const kinds = async (kind) => (await all("queue")).filter((item) => item.kind === kind);
export const waiting = async () => (await count("queue")) + (await count("photos"));

/** The server has `accepted` for good; what it `refused` is kept aside to be shown. */
export function settle(items, accepted, refused) {
  const reasons = new Map(refused.map(({ client_id, reason, status }) => [client_id, { reason, status }]));
  const gone = new Set(accepted);
  return write(["queue", "refused"], (stores) => {
    for (const item of items) {
      if (reasons.has(item.client_id)) stores.refused.put({ ...item, ...reasons.get(item.client_id) });
      if (gone.has(item.client_id) || reasons.has(item.client_id)) stores.queue.delete(item.seq);
    }
  });
}

export const refused = () => all("refused");
export const forgetRefused = (id) => remove("refused", id);
export const isWaiting = async (seq) => Boolean(await get("queue", seq));

export const addPhoto = (id, blob) =>
  write(["photos"], (stores) => {
    stores.photos.put({ id, blob });
  });
export const photos = () => all("photos");
export const photo = async (id) => (await get("photos", id))?.blob ?? null;
export const photoDone = (id) => remove("photos", id);

/** Taps of the last days, oldest first: what the screen shows as visited. */
export async function taps(nowMs) {
  const known = await all("taps");
  for (const old of known.filter((one) => nowMs - one.at_ms > REMEMBER_MS)) await remove("taps", old.client_id);
  return known.filter((one) => nowMs - one.at_ms <= REMEMBER_MS).sort((a, b) => a.at_ms - b.at_ms);
}
