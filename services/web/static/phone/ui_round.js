// The round being walked: what comes next, large; the tap; the stops below.

import * as clock from "./clock.js";
import * as nfc from "./nfc.js";
import { offerCode } from "./scan.js";
import { isOpen, standing } from "./rounds.js";
import { activeRound, changed, checkpoint, setActive, state } from "./state.js";
import { failed, tap } from "./taps.js";
import { button, clockTime, closeSheet, countdown, h, icon, openSheet, toast } from "./ui.js";
import { nameOf, t } from "./words.js";

/** Start to listen for tags; needs a touch the first time. */
export async function listen() {
  const on = await nfc.start(tap, failed);
  if (!on && nfc.state.problem) toast(t(`nfc_${nfc.state.problem}`), "bad");
  await stayAwake();
  changed();
}

let lock = null;

async function stayAwake() {
  try {
    lock ??= await navigator.wakeLock?.request("screen");
    lock?.addEventListener("release", () => {
      lock = null;
    });
  } catch {
    lock = null; // low battery: the phone decides
  }
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && nfc.state.on) stayAwake();
});

export function roundView() {
  const round = activeRound();
  const now = clock.now();
  const at = standing(round, state.taps, now);
  return [
    h(
      "section",
      { class: "round-head" },
      h(
        "button",
        { type: "button", class: "round-button", "aria-label": t("back_to_rounds"), onclick: leave },
        icon("back"),
      ),
      h(
        "div",
        { class: "grow" },
        h("h1", {}, nameOf(round)),
        h(
          "p",
          { class: "quiet num" },
          `${clockTime(round.starts_ms)} – ${clockTime(round.ends_ms)}`,
          round.people > 1 && ` · ${t("together", { count: round.people })}`,
        ),
      ),
      h(
        "p",
        { class: "tally num", "aria-label": t("progress", { done: at.done, total: at.total }) },
        h("b", {}, at.done),
        `/${at.total}`,
      ),
    ),
    h(
      "div",
      { class: "segments", "aria-hidden": "true" },
      at.stops.map((stop) => h("i", { class: `is-${stop.state}${at.next === stop ? " is-next" : ""}` })),
    ),
    at.complete ? finished(round) : hero(at, round, now),
    h(
      "ol",
      { class: "stops" },
      at.stops.map((stop) => stopRow(stop, at.next === stop)),
    ),
  ];
}

function hero(at, round, now) {
  const stop = at.next;
  if (!stop)
    return h(
      "section",
      { class: "hero" },
      h("p", { class: "hero-label" }, t("nothing_left")),
      h("p", { class: "quiet" }, t("nothing_left_hint")),
      reader(),
    );
  const place = checkpoint(stop.checkpoint);
  return h(
    "section",
    { class: `hero is-${stop.state}` },
    h(
      "p",
      { class: "hero-label" },
      t(round.order === "ordered" ? "next_stop" : "any_stop"),
      h("span", { class: "num" }, `${stop.index + 1}/${at.stops.length}`),
    ),
    h("p", { class: "hero-name" }, place ? nameOf(place) : stop.checkpoint),
    h("p", { class: "hero-place" }, place ? [nameOf(place, "area"), floorOf(place)].filter(Boolean).join(" · ") : ""),
    h("p", { class: "hero-due num", "data-due": "" }, due(stop, now)),
    reader(),
  );
}

function floorOf(place) {
  if (!place.floor) return "";
  return place.floor < 0 ? t("floor_below", { floor: -place.floor }) : t("floor", { floor: place.floor });
}

/** One line about time: how long is left, or how late it is. */
function due(stop, now) {
  if (stop.state === "late") return t("late_by", { by: countdown(now - stop.on_time_until_ms) });
  if (stop.state === "wait")
    return t("opens_at", { at: clockTime(Math.max(stop.on_time_from_ms, stop.not_before_ms ?? 0)) });
  return t("due_until", { at: clockTime(stop.on_time_until_ms), left: countdown(stop.on_time_until_ms - now) });
}

function reader() {
  if (nfc.state.on) {
    return h(
      "div",
      { class: "reader is-on" },
      h("div", { class: "waves", "aria-hidden": "true" }, h("i"), h("i"), h("i"), icon("nfc")),
      h("p", {}, t("hold_phone")),
    );
  }
  if (nfc.isSupported())
    return h("div", { class: "reader" }, button("button-main button-wide", t("nfc_start"), listen, { symbol: "nfc" }));
  return h("div", { class: "reader is-none" }, h("p", { class: "quiet" }, t("nfc_none")));
}

function finished(round) {
  return h(
    "section",
    { class: "hero is-complete" },
    h("div", { class: "big-mark" }, icon("check")),
    h("p", { class: "hero-name" }, t("round_complete")),
    h("p", { class: "hero-place" }, isOpen(round, clock.now()) ? t("round_complete_hint") : ""),
  );
}

function stopRow(stop, isNext) {
  const place = checkpoint(stop.checkpoint);
  const symbol = { done: "check", late: "clock", gone: "close" }[stop.state];
  const note =
    stop.state === "done"
      ? clockTime(stop.visited_ms ?? stop.at_ms)
      : stop.state === "suspended"
        ? t("suspended")
        : stop.state === "gone"
          ? t("gone")
          : stop.state === "late"
            ? t("is_late")
            : stop.state === "wait"
              ? clockTime(Math.max(stop.on_time_from_ms, stop.not_before_ms ?? 0))
              : "";
  return h(
    "li",
    { class: `stop is-${stop.state}${isNext ? " is-next" : ""}`, "aria-current": isNext ? "step" : false },
    h("span", { class: "stop-mark num" }, symbol ? icon(symbol) : stop.index + 1),
    h("span", { class: "grow" }, place ? nameOf(place) : stop.checkpoint),
    h("span", { class: "stop-note num" }, note),
  );
}

/** What the thumb needs while walking: the marked fallback, and in a demonstration the played tap. */
export function roundActions() {
  const round = activeRound();
  const primary = nfc.isSupported() ? "button-quiet" : "button-main";
  return [
    state.briefing.demo && button("button-dashed", t("simulate"), () => simulate(round), { symbol: "nfc" }),
    button(primary, t("enter_code"), () => offerCode(tap), { symbol: "code" }),
  ];
}

function simulate(round) {
  const at = standing(round, state.taps, clock.now());
  const play = (id) => {
    closeSheet();
    tap({ checkpoint: id, entered: "simulated" });
  };
  const row = (stop) =>
    h(
      "button",
      { type: "button", class: `pick${at.next === stop ? " is-next" : ""}`, onclick: () => play(stop.checkpoint) },
      h("span", { class: "stop-mark num" }, stop.state === "done" ? icon("check") : stop.index + 1),
      h("span", { class: "grow" }, nameOf(checkpoint(stop.checkpoint) ?? { name: stop.checkpoint })),
    );
  openSheet(t("simulate"), [
    h("p", { class: "quiet hint" }, t("simulate_hint")),
    h("div", { class: "picks" }, at.stops.map(row)),
  ]);
}

async function leave() {
  await setActive(null);
  changed();
}

/** Once a second: only the words about time change, so that nothing jumps under the thumb. */
export function tickRound() {
  const line = document.querySelector("[data-due]");
  const round = activeRound();
  if (!line || !round) return;
  const at = standing(round, state.taps, clock.now());
  if (!at.next || !line.closest(`.is-${at.next.state}`)) changed();
  else line.textContent = due(at.next, clock.now());
}
