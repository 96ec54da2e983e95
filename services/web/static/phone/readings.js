// What people measure and type in: kept for no network; what was just typed is the last value at once.

import { keep, recall } from "./db.js";
import * as deliver from "./deliver.js";
import * as queue from "./queue.js";

const EMPTY = { on: false, version: "", points: [], instruments: [] };
const DAY_MS = 86_400_000;

export const readings = { ...EMPTY };

let owner = ""; // whom it was told
let fresh = []; // typed here, and not yet in what the server tells: {point, client_id, last}

export async function load(user) {
  const kept = await recall("readings");
  owner = user;
  Object.assign(readings, EMPTY, kept?.by === user ? kept.data : {});
  fresh = await recall("readings.fresh", []);
}

/** Ask for what changed since. Fails like `deliver` does. */
export async function update(user) {
  if (owner !== user) await load(user);
  const found = await deliver.readings(readings.version);
  if (!found) return;
  Object.assign(readings, found);
  await keep("readings", { by: user, data: found });
  fresh = fresh.filter(({ point, last }) => (newest(pointOf(point)?.last ?? [])?.at_ms ?? 0) < last.at_ms - 60_000);
  await keep("readings.fresh", fresh);
}

export const pointOf = (id) => readings.points.find((one) => one.id === id) ?? null;

/** A reading was typed here: it is the newest one, until the server says so itself. */
export async function note(item, nowMs) {
  fresh = fresh.filter((one) => one.client_id !== item.client_id);
  fresh.push({
    point: item.point,
    client_id: item.client_id,
    last: { value: item.value, at_ms: nowMs, circuit: item.circuit, place: item.place, condition: item.condition },
  });
  await keep("readings.fresh", fresh);
}

const newest = (values) => values.reduce((best, one) => (!best || one.at_ms > best.at_ms ? one : best), null);

/** The newest values of a point, the newest first: what was typed here before what the server told. */
export function lastOf(point) {
  const own = fresh.filter((one) => one.point === point.id).map((one) => one.last);
  return [...own, ...point.last].sort((a, b) => b.at_ms - a.at_ms);
}

/** How many readings of a point this phone still has to deliver. */
export const waitingOf = async () => {
  const counts = {};
  for (const item of await queue.kinds("reading")) counts[item.point] = (counts[item.point] ?? 0) + 1;
  return counts;
};

/** Circuits or places that were named before, as they were written. */
export const known = (point, field) => [...new Set(lastOf(point).map((one) => one[field]).filter(Boolean))];

/** Whether a value can be read at all: outside it the decimal point is wrong, not the plant. */
export const isPossible = (point, value) =>
  (point.valid_min === null || value >= point.valid_min) && (point.valid_max === null || value <= point.valid_max);

/** Inside the limit, compared as the server compares; null: nothing said. */
export function isGood(point, value) {
  if (value === undefined) return null;
  const at = (number) => (point.step ? Math.round(number / point.step) : number);
  return (
    (point.minimum === null || at(value) >= at(point.minimum)) &&
    (point.maximum === null || at(value) <= at(point.maximum))
  );
}

/** The newest value is older than it may be, or there is none. */
export function isOld(point, nowMs) {
  if (!point.again_days) return false;
  const last = newest(lastOf(point));
  return !last || nowMs - last.at_ms > point.again_days * DAY_MS;
}

export const daysAgo = (atMs, nowMs) => Math.max(0, Math.floor((nowMs - atMs) / DAY_MS));

/** Of an instrument on a day (`2026-11-30`): "" nothing said, known, expired, none (no paper), unknown. */
export function calibration(number, day) {
  const text = number.trim().toLowerCase();
  if (!text) return "";
  const found = readings.instruments.find((one) =>
    [one.number, ...one.also].some((name) => name.toLowerCase() === text),
  );
  if (!found) return "unknown";
  if (!found.until_on) return "none";
  return day <= found.until_on ? "known" : "expired";
}
