// What the app knows: who holds the phone, what the server told last, what was tapped since. Kept for no network.

import * as clock from "./clock.js";
import { keep, recall } from "./db.js";
import * as deliver from "./deliver.js";
import * as queue from "./queue.js";
import { setZone } from "./ui.js";
import { speak, wasChosen } from "./words.js";

export const state = {
  user: null, // {username, display_name}
  briefing: null,
  taps: [],
  active: null, // id of the round being walked
  duty: null, // {since_ms, by}
  waiting: 0,
  refused: 0,
  link: "unknown", // ok, offline, signed_out
  last: null, // the last place this phone was at
  fire: { open: [], tests: [] }, // what the server told last of fire
  said: [], // what this phone still has to deliver about fires
};

let listeners = [];
export const onChange = (listener) => {
  listeners.push(listener);
};
export const changed = () => listeners.forEach((listener) => listener());

export async function load() {
  await clock.start();
  state.user = await recall("user");
  state.briefing = await recall("briefing");
  state.active = await recall("active");
  state.duty = await recall("duty");
  state.fire = await recall("fire", state.fire);
  if (state.briefing) setZone(state.briefing.timezone);
  await refresh();
}

/** Look again at what waits and what was tapped. */
export async function refresh() {
  state.waiting = await queue.waiting();
  state.said = await queue.said();
  state.refused = (await queue.refused()).length;
  state.taps = await queue.taps(clock.now());
  state.last = state.taps.findLast((tap) => tap.checkpoint)?.checkpoint ?? null;
}

/** Ask the server who we are and what is to do. Fails like `deliver` does. */
export async function update() {
  const who = await deliver.me();
  if (!wasChosen()) speak(who.language);
  const found = await deliver.briefing();
  await clock.heard(found.server_ms);
  setZone(found.timezone);
  state.user = { username: who.username, display_name: who.display_name };
  state.briefing = found;
  await keep("user", state.user);
  await keep("briefing", found);
  await followDuty(found);
}

/** The server decides who is on duty, unless it has not yet heard what this phone says. */
async function followDuty(found) {
  const waits = (await queue.batch()).items.some((item) => item.kind === "sign_on" && item.by === found.username);
  if (!waits) await setDuty(found.on_duty_ms === null ? null : { since_ms: found.on_duty_ms, by: found.username });
}

export async function setDuty(duty) {
  state.duty = duty;
  await keep("duty", duty);
}

export async function setActive(id) {
  state.active = id;
  await keep("active", id);
}

export const by = () => state.user?.username ?? "";
export const isOnDuty = () => Boolean(state.duty && state.duty.by === by());
export const checkpoint = (id) => state.briefing?.checkpoints.find((one) => one.id === id) ?? null;
export const round = (id) => state.briefing?.rounds.find((one) => one.id === id) ?? null;
/** Open fires for which a tap at this place is an arrival. */
export const firesAt = (id) => state.fire.open.filter((fire) => id && fire.checkpoints.includes(id));
export const activeRound = () => round(state.active);

const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** What this phone compares instead of a tag's or a label's own text. */
export async function digest(text) {
  if (!crypto.subtle || !state.briefing) return "";
  return hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${state.briefing.site}:${text}`))).slice(
    0,
    24,
  );
}

/** The checkpoint that a tag or a code stands for, as far as this phone can tell; null: it cannot. */
export async function recognise({ tag, code, checkpoint: named }) {
  if (named) return checkpoint(named);
  return tag ? byTag(tag) : ((await byCode(code ?? "")) ?? byTag(code ?? ""));
}

async function byTag(text) {
  const found = await digest(text.toUpperCase().replace(/[:\-\s]/g, ""));
  return state.briefing?.checkpoints.find((one) => one.tags.includes(found)) ?? null;
}

async function byCode(text) {
  const found = await digest(text.trim().toUpperCase());
  return state.briefing?.checkpoints.find((one) => one.code && one.code === found) ?? null;
}
