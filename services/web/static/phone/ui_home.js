// Before a round: going on duty, and the rounds of the shift.

import * as clock from "./clock.js";
import { keep } from "./db.js";
import * as queue from "./queue.js";
import { isOpen, offered, relevant, standing } from "./rounds.js";
import { by, changed, isOnDuty, setActive, setDuty, state } from "./state.js";
import * as sync from "./sync.js";
import { askForPin } from "./duty.js";
import { button, buzz, beep, clockTime, closeSheet, dayOf, h, icon, openSheet, toast, weekday } from "./ui.js";
import { readingsEntry } from "./ui_readings.js";
import { listen } from "./ui_round.js";
import { nameOf, t } from "./words.js";

export function homeView() {
  const now = clock.now();
  const rounds = relevant(state.briefing.rounds, now);
  const next = offered(state.briefing.rounds, state.taps, now);
  return [
    h(
      "section",
      { class: "greeting" },
      h("p", { class: "greeting-clock num", "data-clock": "" }, clockTime(now)),
      h("p", { class: "greeting-day" }, weekday(now)),
      h(
        "p",
        { class: `duty-mark ${isOnDuty() ? "is-on" : ""}` },
        isOnDuty() ? t("on_duty_since", { at: clockTime(state.duty.since_ms) }) : t("off_duty"),
      ),
    ),
    readingsEntry(),
    h("h2", { class: "section-title" }, t("my_rounds")),
    rounds.length
      ? h(
          "ul",
          { class: "cards" },
          rounds.map((round) => card(round, now, round === next)),
        )
      : h(
          "div",
          { class: "empty" },
          icon("lantern", "empty-mark"),
          h("p", {}, t("no_rounds")),
          h("p", { class: "quiet" }, t("no_rounds_hint")),
        ),
  ];
}

function card(round, now, isNext) {
  const at = standing(round, state.taps, now);
  const open = isOpen(round, now);
  const later = dayOf(round.starts_ms) !== dayOf(now) && round.starts_ms > now;
  const word = at.complete
    ? t("complete")
    : open
      ? at.done
        ? t("running")
        : t("open_now")
      : now > round.closes_ms
        ? t("over")
        : later
          ? t("tomorrow")
          : t("planned");
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: `card${isNext ? " is-next" : ""}${at.complete ? " is-complete" : ""}${now > round.closes_ms ? " is-over" : ""}`,
        onclick: () => begin(round),
      },
      h("span", { class: "card-time num" }, clockTime(round.starts_ms)),
      h(
        "span",
        { class: "grow" },
        h("b", { class: "card-name" }, nameOf(round)),
        h("span", { class: "card-note" }, word, " · ", t("stops", { done: at.done, total: at.total })),
      ),
      h(
        "span",
        { class: "card-ring", style: false },
        ring(at.total ? at.done / at.total : 0),
        at.complete ? icon("check") : icon("next"),
      ),
    ),
  );
}

function ring(part) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 44 44");
  svg.setAttribute("class", "ring");
  for (const [name, length] of [
    ["ring-base", 1],
    ["ring-part", part],
  ]) {
    const circle = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    for (const [key, value] of Object.entries({
      cx: 22,
      cy: 22,
      r: 19,
      class: name,
      pathLength: 100,
      "stroke-dasharray": `${100 * length} 100`,
    }))
      circle.setAttribute(key, value);
    if (length) svg.append(circle);
  }
  return svg;
}

/** The one thing to do now, under the thumb. */
export function homeActions() {
  const next = offered(state.briefing.rounds, state.taps, clock.now());
  if (!isOnDuty()) return [button("button-main button-wide", t("sign_on"), signOn, { symbol: "check" })];
  if (!next) return [];
  const word = state.taps.some(
    (tap) => tap.at_ms > next.opens_ms && next.stops.some((stop) => stop.checkpoint === tap.checkpoint),
  );
  return [
    button(
      "button-main button-wide",
      t(word ? "continue_round" : "start_round", { name: nameOf(next) }),
      () => begin(next),
      { symbol: "walk" },
    ),
  ];
}

async function signOn() {
  buzz("ok");
  beep("ok");
  await queue.add("sign_on", by(), {});
  await setDuty({ since_ms: clock.now(), by: by() });
  await navigator.storage?.persist?.();
  toast(t("signed_on"), "ok");
  changed();
  sync.soon();
  if (!state.briefing.has_pin) askForPin(true);
}

async function begin(round) {
  const isFresh = !standing(round, state.taps, clock.now()).done && round.kit.length > 0;
  if (isFresh && isOpen(round, clock.now())) askForKit(round);
  else await walk(round);
}

async function walk(round) {
  await setActive(round.id);
  changed();
  document.getElementById("main").scrollTop = 0;
  await listen();
}

/** What the guard carries: one touch each, all of it by default not said. */
function askForKit(round) {
  const kit = {};
  const row = (name) => {
    const box = h(
      "button",
      {
        type: "button",
        class: "pick pick-check",
        "aria-pressed": "false",
        onclick: () => {
          kit[name] = !kit[name];
          box.setAttribute("aria-pressed", String(kit[name]));
          buzz("hold");
        },
      },
      h("span", { class: "tick" }, icon("check")),
      h("span", { class: "grow" }, name),
    );
    return box;
  };
  const go = async () => {
    closeSheet();
    await keep(`kit.${round.id}`, Object.fromEntries(round.kit.map((name) => [name, Boolean(kit[name])])));
    await walk(round);
  };
  openSheet(
    t("kit_title"),
    [h("p", { class: "quiet hint" }, t("kit_hint")), h("div", { class: "picks" }, round.kit.map(row))],
    [button("button-main button-wide", t("kit_go"), go, { symbol: "walk" })],
  );
}

export function tickHome() {
  const face = document.querySelector("[data-clock]");
  const text = clockTime(clock.now());
  if (face && face.textContent !== text) changed();
}
