// The app: three pages, one bar under the thumb, and what happens by itself.

import { ask, tickCheckIn } from "./checkin.js";
import * as fire from "./fire.js";
import { loadDrafts, resumeInspection } from "./inspect.js";
import * as live from "./live.js";
import * as nfc from "./nfc.js";
import * as readings from "./readings.js";
import { resumeSos, sosButton } from "./sos.js";
import { activeRound, by, changed, load, onChange, refresh, state, update } from "./state.js";
import * as sync from "./sync.js";
import { resume, typedTap } from "./taps.js";
import { closeSheet, fill, h, icon, sheetIsOpen, toast } from "./ui.js";
import { currentFire, fireActions, fireBanner, fireView, showFire, tickFirePage } from "./ui_fire.js";
import { checksActions, checksView, openFromAddress, showPlace } from "./ui_checks.js";
import { homeActions, homeView, tickHome } from "./ui_home.js";
import { meActions, meView } from "./ui_me.js";
import { reportView } from "./ui_report.js";
import { listen, roundActions, roundView, tickRound } from "./ui_round.js";
import * as upkeep from "./upkeep.js";
import * as wedge from "./wedge.js";
import { nameOf, t } from "./words.js";

const UPDATE_MS = 5 * 60_000;
const PAGES = {
  patrol: {
    symbol: "walk",
    view: () => (activeRound() ? roundView() : homeView()),
    actions: () => (activeRound() ? roundActions() : homeActions()),
  },
  checks: { symbol: "clipboard", view: checksView, actions: checksActions, isHidden: () => !upkeep.upkeep.on },
  report: { symbol: "flag", view: reportView, actions: () => [] },
  me: { symbol: "person", view: meView, actions: meActions },
  fire: { symbol: "", view: fireView, actions: fireActions },
};

let page = "patrol";
let updated = 0;

const byId = (id) => document.getElementById(id);
const sos = sosButton();

function draw() {
  document.title = t("app_title");
  byId("bar").hidden = !state.briefing;
  fill(byId("top"), top());
  if (!state.briefing) {
    const isOut = state.link === "signed_out";
    fill(
      byId("main"),
      h(
        "div",
        { class: "empty" },
        icon("lantern", "empty-mark"),
        h("p", {}, t(isOut ? "signed_out" : state.link === "offline" ? "first_needs_network" : "one_moment")),
        isOut && h("a", { class: "button button-main", href: "/sign-in?next=/patrol/phone" }, t("sign_in_again")),
      ),
    );
    return;
  }
  if ((page === "fire" && !currentFire()) || PAGES[page].isHidden?.()) page = "patrol";
  fill(byId("alarm"), fireBanner(openFire, page === "fire"));
  fill(byId("main"), state.link === "signed_out" && signedOut(), PAGES[page].view());
  const actions = PAGES[page].actions().filter(Boolean);
  const listed = Object.entries(PAGES).filter(([, { symbol, isHidden }]) => symbol && !isHidden?.());
  const tabs = listed.map(([name, { symbol }]) =>
    h(
      "button",
      { type: "button", class: "tab", "aria-current": name === page ? "page" : false, onclick: () => go(name) },
      icon(symbol),
      h("span", {}, t(`page_${name}`)),
    ),
  );
  fill(
    byId("bar"),
    actions.length > 0 && h("div", { class: "actions" }, actions),
    h("div", { class: "tabs" }, tabs, sos),
  );
  fire.tickFire();
}

function openFire(id) {
  showFire(id);
  closeSheet();
  go("fire");
}

function go(name) {
  page = name;
  draw();
  byId("main").scrollTop = 0;
}

function top() {
  const kind =
    state.link === "ok" ? (state.waiting ? "is-busy" : "is-ok") : state.link === "unknown" ? "is-busy" : "is-off";
  const words = {
    ok: state.waiting ? t("waiting", { count: state.waiting }) : t("delivered"),
    unknown: t("connecting"),
    offline: state.waiting ? t("offline_waiting", { count: state.waiting }) : t("offline"),
    signed_out: t("signed_out_short"),
  }[state.link];
  return [
    icon("lantern", "brand"),
    h("p", { class: "top-name" }, state.briefing ? nameOf(state.briefing, "site_name") : t("app_title")),
    h(
      "p",
      { class: `link ${kind}`, "data-link": state.link, "data-waiting": state.waiting },
      state.link === "offline" ? icon("offline") : h("i", { class: "dot" }),
      h("span", {}, words),
    ),
  ];
}

const signedOut = () =>
  h(
    "div",
    { class: "notice is-warn notice-row" },
    h("span", { class: "grow" }, t("signed_out_hint")),
    h("a", { class: "button button-quiet", href: "/sign-in?next=/patrol/phone" }, t("sign_in_again")),
  );

async function linked({ state: link, answer }) {
  const isBack = link === "ok" && state.link !== "ok";
  state.link = link;
  if (answer) {
    ask(answer.prompts);
    await fire.take(answer.fire, answer.server_ms);
  }
  await refresh();
  if (link === "ok" && (isBack || performance.now() - updated > UPDATE_MS)) {
    updated = performance.now();
    await update()
      .then(() => upkeep.update(by()))
      .then(() => readings.update(by()))
      .catch(() => {});
  } else if (link === "ok" && (await upkeep.isAnswered())) await upkeep.update(by()).catch(() => {});
  draw();
}

async function keepForLater() {
  if (!navigator.serviceWorker) return;
  const hadOne = Boolean(navigator.serviceWorker.controller);
  await navigator.serviceWorker.register("/patrol/sw.js", {
    scope: "/patrol/",
    type: "module",
    updateViaCache: "none",
  });
  await navigator.serviceWorker.ready;
  document.documentElement.dataset.kept = "yes";
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (hadOne) toast(t("new_version"));
  });
}

/** A label that the phone's own camera read, or the checklist that was open. */
async function openLabel() {
  if (await openFromAddress()) page = "checks";
  else resumeInspection();
  draw();
}

async function main() {
  onChange(draw);
  await load();
  await upkeep.load(by());
  await readings.load(by());
  await loadDrafts();
  draw();
  keepForLater().catch(() => {});
  document.addEventListener("gengfu:draw", draw);
  document.addEventListener("gengfu:place", ({ detail }) => {
    if (page === "checks") showPlace(detail);
  });
  await fire.start(openFire);
  sync.start(linked);
  live.start(fire.ask);
  wedge.listen(typedTap);
  setInterval(() => {
    tickCheckIn();
    if (tickFirePage()) draw();
    if (page !== "patrol" || sheetIsOpen() || !state.briefing) return;
    if (activeRound()) tickRound();
    else tickHome();
  }, 1000);
  if (!state.briefing) return;
  if (activeRound() && (await nfc.isAllowed())) await listen();
  await resume();
  changed();
  await openLabel();
  await resumeSos();
}

main();
