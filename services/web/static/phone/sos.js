// A cry for help: held for two seconds so that no pocket calls, then sent before everything else until it is heard.

import * as deliver from "./deliver.js";
import * as queue from "./queue.js";
import { by, changed, refresh, state } from "./state.js";
import { buzz, beep, fill, h, icon } from "./ui.js";
import { t } from "./words.js";

const HOLD_MS = 2_000;
const RETRY_MS = 3_000;

let box = null;

/** The button of the bottom bar. */
export function sosButton() {
  const start = (event) => {
    event.preventDefault();
    hold(event);
  };
  return h(
    "button",
    {
      type: "button",
      class: "sos",
      "aria-label": t("sos_label"),
      onpointerdown: start,
      oncontextmenu: (event) => event.preventDefault(),
      onkeydown: (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          if (!event.repeat) hold(event);
        }
      },
    },
    h("span", {}, "SOS"),
  );
}

/** Fill the ring while the finger stays; letting go early does nothing. */
function hold(event) {
  const isKey = event.type === "keydown";
  const [ended, cancelled] = isKey ? ["keyup", "blur"] : ["pointerup", "pointercancel"];
  show("is-holding", t("sos_hold"), t("sos_hold_hint"), true);
  buzz("hold");
  const ticking = setInterval(() => buzz("hold"), 400);
  const finish = (called) => {
    clearInterval(ticking);
    clearTimeout(timer);
    for (const name of [ended, cancelled]) removeEventListener(name, letGo, true);
    if (called) call();
    else show("is-short", t("sos_short"), t("sos_short_hint"), false, 1400);
  };
  const letGo = () => finish(false);
  const timer = setTimeout(() => finish(true), HOLD_MS);
  for (const name of [ended, cancelled]) addEventListener(name, letGo, true);
}

async function call() {
  buzz("sos");
  beep("bad");
  show("is-sending", t("sos_sending"), t("sos_sending_hint"), false);
  const item = await queue.add("sos", by(), { checkpoint: state.last ?? "" });
  await refresh();
  changed();
  await insist(item);
}

/** Send until the server has it; what was queued is sent too when the page is closed and opened again. */
async function insist(item) {
  while (await queue.isWaiting(item.seq)) {
    try {
      await deliver.urgent(item.client_id);
    } catch (error) {
      const isOut = error instanceof deliver.SignedOut;
      show(isOut ? "is-out" : "is-waiting", t("sos_waiting"), t(isOut ? "sos_signed_out" : "sos_waiting_hint"), false);
      await new Promise((resolve) => {
        setTimeout(resolve, RETRY_MS);
      });
    }
  }
  const isRefused = (await queue.refused()).some((one) => one.client_id === item.client_id);
  if (isRefused) show("is-waiting", t("sos_refused"), t("sos_refused_hint"), false);
  else {
    buzz("ok");
    show("is-heard", t("sos_heard"), t("sos_heard_hint"), false);
  }
  await refresh();
  changed();
}

/** After a reload: a cry for help that nobody has heard yet goes on. */
export async function resumeSos() {
  const item = await queue.cry();
  if (item) await insist(item);
}

function show(kind, title, text, isHolding, ms = 0) {
  box ??= document.body.appendChild(h("div", { id: "sos", role: "alert" }));
  const isSame = box.className === `sos-screen ${kind}`;
  box.hidden = false;
  if (!isSame) {
    box.className = `sos-screen ${kind}`;
    fill(
      box,
      h(
        "div",
        { class: "sos-disc" },
        isHolding && h("i", { class: "sos-fill" }),
        h("span", {}, kind === "is-heard" ? icon("check") : "SOS"),
      ),
      h("p", { class: "sos-title" }, title),
      h("p", { class: "sos-text" }, text),
      kind === "is-out" &&
        h("a", { class: "button button-light button-wide", href: "/sign-in?next=/patrol/phone" }, t("sign_in_again")),
      kind === "is-heard" || kind === "is-waiting" || kind === "is-out"
        ? h("button", { type: "button", class: "button button-light button-wide", onclick: hide }, t("back"))
        : null,
    );
  }
  if (ms)
    setTimeout(() => {
      if (box.className === `sos-screen ${kind}`) hide();
    }, ms);
}

function hide() {
  box.hidden = true;
  box.className = "";
}
