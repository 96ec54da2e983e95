// Fires: what is open near this guard, the call that goes on until he answers, and what he says to it.

import * as clock from "./clock.js";
import { keep, recall } from "./db.js";
import * as deliver from "./deliver.js";
import * as queue from "./queue.js";
import { by, changed, refresh, state, update } from "./state.js";
import * as sync from "./sync.js";
import { beep, button, buzz, fill, h, icon, toast } from "./ui.js";
import { placeWords, spotName } from "./fire_words.js";
import { listen } from "./ui_round.js";
import { t } from "./words.js";

const CALL_MS = 3_000;
const RETRY_MS = 3_000;
const KNOW_MS = 3_000;

let seen = {}; // incident → the stage in which he answered the call, or put it aside
let calling = { id: null, timer: 0 };
let insisting = false;
let toldMs = 0;
let goTo = () => {};

/** `opened(id)` shows an incident. What was known before the page was closed is shown at once. */
export async function start(opened) {
  goTo = opened;
  seen = await recall("fire.seen", {});
  look();
  insist();
}

/** What the server says of fire; an answer that was overtaken by a newer one is dropped. */
export async function take(news, serverMs) {
  if (news?.open.length && !by()) await knowWho();
  if (!news || serverMs < toldMs) return;
  toldMs = serverMs;
  const ended = state.fire.open.filter((one) => !news.open.some((other) => other.id === one.id));
  state.fire = { open: news.open, tests: news.tests };
  await keep("fire", state.fire);
  if (ended.some((one) => seen[one.id])) toast(t("fire_over"), "ok");
  look();
}

/** A phone whose storage was cleared does not know who holds it, and so not that he has answered the call already. */
async function knowWho() {
  const known = update().then(look, () => {});
  await Promise.race([known, wait(KNOW_MS)]); // a call does not wait for a slow network
}

const wait = (ms) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Ask for news, without delivering anything. */
export async function ask() {
  const found = await deliver.fire();
  await take(found, found.server_ms);
  changed();
}

/** What this guard has done about it, as the server knows it and as this phone will still tell. */
export function standing(fire) {
  const own = fire.helpers.find((one) => one.username === by());
  const said = state.said.filter((one) => one.incident === fire.id && one.by === by());
  const has = (kind) => said.some((one) => one.kind === kind);
  const tapped = state.taps.some((tap) => fire.checkpoints.includes(tap.checkpoint) && tap.at_ms >= fire.opened_ms);
  const arrived = Boolean(own?.arrived_ms) || has("fire_arrive") || tapped;
  const grade = said.findLast((one) => one.kind === "fire_grade")?.grade ?? "";
  return {
    arrived,
    accepted: arrived || Boolean(own?.accepted_ms) || has("fire_accept"),
    grade,
    steps: new Set(said.filter((one) => one.kind === "fire_step").map((one) => `${one.plan}/${one.step}`)),
  };
}

// --- the call -----------------------------------------------------------------------------------------------------

function look() {
  for (const fire of state.fire.open) {
    const before = seen[fire.id];
    if (standing(fire).accepted && before !== fire.stage) {
      answered(fire);
      if (before && fire.stage === "large") announce();
    }
  }
  const fire = state.fire.open.find((one) => one.stage !== "small" && seen[one.id] !== one.stage);
  if (!fire) hush();
  else if (calling.id === fire.id) show(fire);
  else {
    hush();
    calling = { id: fire.id, timer: setInterval(ring, CALL_MS) };
    show(fire);
    ring();
  }
}

function announce() {
  ring();
  toast(t("fire_treated_large"), "bad");
}

function ring() {
  buzz("fire");
  beep("fire");
}

const box = () =>
  document.getElementById("firecall") ??
  document.body.appendChild(
    h("div", { id: "firecall", role: "alertdialog", "aria-labelledby": "firecall-title", hidden: true }),
  );

function show(fire) {
  const element = box();
  element.hidden = false;
  fill(
    element,
    h("div", { class: "firecall-mark" }, icon("fire")),
    h("p", { class: "firecall-label" }, t(fire.stage === "large" ? "fire_treated_large" : "fire_now")),
    h("h2", { id: "firecall-title" }, spotName(fire)),
    h("p", { class: "firecall-place" }, placeWords(fire)),
    fire.stage === "unconfirmed" && h("p", { class: "firecall-left num", "data-fire-left": fire.confirm_by_ms }),
    h("p", { class: "firecall-hint" }, t("fire_safety")),
    button("button-go", t("fire_go"), () => answer(fire, "fire_accept"), { symbol: "walk" }),
    h(
      "div",
      { class: "firecall-row" },
      button("button-light", t("fire_here"), () => answer(fire, "fire_arrive")),
      button("button-light", t("fire_look"), () => answer(fire, null)),
    ),
  );
  tickFire();
}

async function answer(fire, kind) {
  answered(fire);
  look();
  goTo(fire.id);
  if (kind) await say(kind, fire);
}

function answered(fire) {
  seen = Object.fromEntries(
    Object.entries({ ...seen, [fire.id]: fire.stage }).filter(([id]) => state.fire.open.some((one) => one.id === id)),
  );
  keep("fire.seen", seen);
}

function hush() {
  clearInterval(calling.timer);
  calling = { id: null, timer: 0 };
  const element = document.getElementById("firecall");
  if (element) element.hidden = true;
}

// --- what he says -------------------------------------------------------------------------------------------------

/** Keep it, show it, and send it before everything else until the server has it. */
export async function say(kind, fire, data = {}) {
  await queue.add(kind, by(), { incident: fire.id, ...data });
  // What he says himself is no news to him when the server says it.
  if (kind === "fire_grade") answered({ ...fire, stage: data.grade === "large" ? "large" : "small" });
  buzz("ok");
  await refresh();
  changed();
  insist();
  if (kind === "fire_accept") await listen(); // a tap at the place proves that he is there
}

async function insist() {
  if (insisting) return;
  insisting = true;
  let { refused } = state;
  let item = (await queue.said())[0];
  while (item) {
    try {
      const { answer } = await deliver.urgent(item.client_id);
      if (answer) await take(answer.fire, answer.server_ms);
    } catch (error) {
      if (error instanceof deliver.SignedOut) break;
      await wait(RETRY_MS);
    }
    await refresh();
    changed();
    if (state.refused > refused) toast(t("refused"), "bad");
    refused = state.refused;
    item = (await queue.said())[0];
  }
  insisting = false;
  if (state.waiting) sync.soon(); // pictures follow
}

/** Every second: what is left until it is treated as large. */
export function tickFire() {
  for (const element of document.querySelectorAll("[data-fire-left]")) {
    const left = Number(element.dataset.fireLeft) - clock.now();
    const total = Math.max(0, Math.ceil(left / 1000));
    element.textContent = `${Math.floor(total / 60)}:${String(total % 60).padStart(2, "0")}`;
    element.classList.toggle("is-over", left <= 0);
  }
}
