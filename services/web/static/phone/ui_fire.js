// A fire on the screen: where, how long, who else; then the one thing to do now, under the thumb.

import * as clock from "./clock.js";
import { say, standing, tickFire } from "./fire.js";
import { placeWords, spotName, stageOf, wayWords } from "./fire_words.js";
import { photoRow } from "./photo.js";
import { state } from "./state.js";
import { button, clockTime, closeSheet, h, icon, openSheet, toast } from "./ui.js";
import { nameOf, t } from "./words.js";

const CALL_STEP = "call-119";

let shown = null;

export function showFire(id) {
  shown = id;
}

/** The incident on the screen: the one chosen, else the oldest that is open. */
export const currentFire = () => state.fire.open.find((one) => one.id === shown) ?? state.fire.open[0] ?? null;

/** Across the top of every other page, while anything is open or a panel is being tested. */
export function fireBanner(go, isOnPage) {
  const fires = isOnPage ? [] : state.fire.open;
  return [
    fires.map((fire) => {
      const stage = stageOf(fire);
      return h(
        "button",
        { type: "button", class: `alarm is-${stage}`, onclick: () => go(fire.id) },
        icon("fire"),
        h(
          "span",
          { class: "grow" },
          h("b", {}, spotName(fire)),
          h("span", {}, `${t(`fire_stage_${stage}`)} · ${placeWords(fire)}`),
        ),
        stage === "unconfirmed"
          ? h("span", { class: "alarm-left num", "data-fire-left": fire.confirm_by_ms })
          : icon("next"),
      );
    }),
    state.fire.tests.map((test) =>
      h(
        "p",
        { class: "alarm-test" },
        icon("equipment"),
        t("fire_test_mode", { place: nameOf(test, "place"), at: clockTime(test.until_ms) }),
      ),
    ),
  ];
}

export function fireView() {
  const fire = currentFire();
  if (!fire) return [];
  const stage = stageOf(fire);
  return [
    state.fire.open.length > 1 && choice(fire),
    h(
      "section",
      { class: `fire-head is-${stage}` },
      h("p", { class: "fire-stage" }, icon("fire"), h("b", {}, t(`fire_stage_${stage}`)), h("span", {}, why(fire, stage))),
      h("h1", {}, spotName(fire)),
      h("p", { class: "fire-place" }, placeWords(fire)),
      stage === "unconfirmed"
        ? h(
            "p",
            { class: "fire-clock" },
            h("span", {}, t("fire_left_short")),
            h("b", { class: "num", "data-fire-left": fire.confirm_by_ms }),
          )
        : h("p", { class: "fire-since num" }, `${t("fire_since", { at: clockTime(fire.opened_ms) })} · ${fire.number}`),
      isToCall(fire) && h("a", { class: "button button-wide fire-dial", href: "tel:119" }, t("fire_call_119")),
    ),
    fire.spots.length > 1 && spots(fire),
    !standing(fire).arrived && where(fire),
    helpers(fire),
    fire.steps.length > 0 && steps(fire),
    stage === "large" && broadcast(fire),
  ];
}

/** 119 is offered until somebody has called. */
function isToCall(fire) {
  const own = standing(fire).steps;
  return fire.steps.some((step) => step.id === CALL_STEP && !step.done_ms && !own.has(`${step.plan}/${step.id}`));
}

const choice = (fire) =>
  h(
    "div",
    { class: "segmented fire-choice" },
    state.fire.open.map((one) =>
      h(
        "button",
        {
          type: "button",
          class: "grow",
          "aria-pressed": String(one.id === fire.id),
          onclick: () => {
            shown = one.id;
            document.dispatchEvent(new Event("gengfu:draw"));
          },
        },
        nameOf(one, "building"),
      ),
    ),
  );

function why(fire, stage) {
  if (fire.graded_by && fire.stage === stage) return t("fire_graded_by", { name: nameOf(fire, "graded_by") });
  if (stage === "large") return t(`fire_why_${fire.stage === "large" ? fire.reason : "unconfirmed_in_time"}`);
  return "";
}

const spots = (fire) =>
  h(
    "ul",
    { class: "fire-spots" },
    fire.spots.map((one) => h("li", {}, icon("fire"), h("span", { class: "grow" }, nameOf(one)))),
    fire.more > 0 && h("li", { class: "quiet" }, t("fire_more", { count: fire.more })),
  );

function where(fire) {
  const words = wayWords(fire);
  return (
    words.length > 0 &&
    h(
      "section",
      { class: "fire-way" },
      icon("nfc"),
      h(
        "div",
        { class: "grow" },
        words.map((word, index) => h("p", { class: index ? "quiet" : "" }, word)),
      ),
    )
  );
}

function helpers(fire) {
  const coming = fire.helpers.filter((one) => one.accepted_ms || one.arrived_ms);
  const there = coming.filter((one) => one.arrived_ms).length;
  const counts = [
    ["fire_coming", coming.length - there],
    ["fire_there", there],
  ];
  const words = counts.filter(([, count]) => count > 0).map(([key, count]) => t(key, { count }));
  return h(
    "section",
    { class: "fire-helpers" },
    h(
      "p",
      { class: "section-title" },
      words.join(" · ") || t("fire_nobody"),
    ),
    h(
      "div",
      { class: "chips" },
      coming.map((one) =>
        h(
          "span",
          { class: `chip ${one.arrived_ms ? "is-there" : ""}` },
          icon(one.arrived_ms ? "check" : "walk"),
          nameOf(one),
          h("span", { class: "num" }, clockTime(one.arrived_ms ?? one.accepted_ms)),
        ),
      ),
    ),
  );
}

function steps(fire) {
  const own = standing(fire).steps;
  const isDone = (step) => Boolean(step.done_ms) || own.has(`${step.plan}/${step.id}`);
  const done = fire.steps.filter(isDone).length;
  return h(
    "section",
    {},
    h(
      "p",
      { class: "section-title" },
      `${t("fire_steps")} · ${t("fire_steps_done", { done, total: fire.steps.length })}`,
    ),
    h(
      "div",
      { class: "picks" },
      fire.steps.map((step) => {
        const isOver = isDone(step);
        const note = step.done_ms
          ? [step.not_needed && t("fire_step_not_needed"), nameOf(step, "done_by"), clockTime(step.done_ms)]
          : [];
        return h(
          "button",
          {
            type: "button",
            class: "pick pick-check",
            "aria-pressed": String(isOver),
            disabled: isOver,
            onclick: () => say("fire_step", fire, { plan: step.plan, step: step.id }),
          },
          h("span", { class: "tick" }, icon("check")),
          h(
            "span",
            { class: "grow" },
            nameOf(step, "text"),
            note.length > 0 && h("span", { class: "pick-note" }, note.filter(Boolean).join(" · ")),
          ),
        );
      }),
    ),
  );
}

const broadcast = (fire) =>
  h(
    "section",
    { class: "fire-broadcast" },
    h("p", { class: "section-title" }, t("fire_broadcast")),
    h("p", {}, nameOf(fire, "broadcast")),
  );

// --- what to do now -----------------------------------------------------------------------------------------------

export function fireActions() {
  const fire = currentFire();
  if (!fire) return [];
  const at = standing(fire);
  if (!at.accepted)
    return [
      button("button-quiet", t("fire_here"), () => say("fire_arrive", fire)),
      button("button-danger", t("fire_go"), () => say("fire_accept", fire), { symbol: "walk" }),
    ];
  if (!at.arrived)
    return [
      tell(fire),
      button("button-danger", t("fire_here"), () => say("fire_arrive", fire), { symbol: "check" }),
    ];
  if (fire.graded_by || at.grade)
    return [tell(fire), button("button-quiet", t("fire_regrade"), () => askGrade(fire), { symbol: "flag" })];
  return [tell(fire), button("button-danger", t("fire_grade_title"), () => askGrade(fire), { symbol: "flag" })];
}

const GRADES = [
  ["small", "fire_small"],
  ["large", "fire_large"],
  ["none", "fire_none"],
];

/** How bad it is: three answers, each with what it brings; one more touch sends it. */
function askGrade(fire) {
  openSheet(t("fire_grade_title"), [
    h(
      "div",
      { class: "grades" },
      GRADES.map(([grade, key]) =>
        h(
          "button",
          { type: "button", class: `grade is-${grade}`, onclick: () => confirmGrade(fire, grade, key) },
          icon({ small: "fire", large: "warn", none: "check" }[grade]),
          h("span", { class: "grow" }, h("b", {}, t(key)), h("span", {}, t(`${key}_hint`))),
          icon("next"),
        ),
      ),
    ),
  ]);
}

function confirmGrade(fire, grade, key) {
  const note = noteField();
  const send = once(async () => {
    closeSheet();
    await say("fire_grade", fire, { grade, note: note.value.trim() });
    toldToast();
  });
  // From large to small only with his own words; the server refuses it without them.
  const asItIs = () => state.fire.open.find((one) => one.id === fire.id) ?? fire;
  const isWanting = () => grade === "small" && stageOf(asItIs()) === "large" && !note.value.trim();
  const check = () => {
    if (!isWanting()) return send();
    note.focus();
    return toast(t("fire_tell"), "bad");
  };
  openSheet(
    t(key),
    [h("p", { class: "hint quiet" }, t(`${key}_hint`)), h("div", { class: "extras" }, note)],
    [button(`${grade === "large" ? "button-danger" : "button-main"} button-wide`, t("fire_confirm", { what: t(key) }), check)],
  );
}

const tell = (fire) =>
  button("button-quiet", t("fire_tell"), () => {
    const photos = [];
    const note = noteField();
    const send = once(async () => {
      if (!note.value.trim() && !photos.length) return closeSheet();
      closeSheet();
      await say("fire_note", fire, { note: note.value.trim(), photos });
      return toldToast();
    });
    openSheet(
      t("fire_tell"),
      [h("div", { class: "extras" }, photoRow(photos), note)],
      [button("button-main button-wide", t("send_report"), send, { symbol: "send" })],
    );
  });

const noteField = () =>
  h("textarea", { rows: 3, maxlength: 2000, placeholder: t("report_note_hint"), "aria-label": t("note") });

function once(act) {
  let isDone = false;
  return () => {
    if (isDone) return undefined;
    isDone = true;
    return act();
  };
}

const toldToast = () => toast(t(state.link === "ok" ? "fire_told" : "fire_kept"), "ok");

export function tickFirePage() {
  tickFire();
  // The time to confirm ran out while nobody could be heard: the page says so by itself.
  const fire = currentFire();
  return Boolean(fire) && fire.stage === "unconfirmed" && Math.abs(clock.now() - fire.confirm_by_ms) < 1000;
}
