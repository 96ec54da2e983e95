// Is he well? Asked of a guard who walks alone and has not tapped for long; one large answer.

import * as clock from "./clock.js";
import * as queue from "./queue.js";
import { by, changed, refresh } from "./state.js";
import * as sync from "./sync.js";
import { beep, button, buzz, countdown, fill, h, icon, toast } from "./ui.js";
import { t } from "./words.js";

const CALL_MS = 3_000;

let asked = null;
let answered = new Set();
let calling = 0;

/** The server's open questions; none: somebody has answered. */
export function ask(prompts) {
  const prompt = prompts.find((one) => !answered.has(one.id)) ?? null;
  if (!prompt) return hide();
  if (asked?.id === prompt.id) return undefined;
  asked = prompt;
  show();
  call();
  clearInterval(calling);
  calling = setInterval(call, CALL_MS);
  return undefined;
}

function call() {
  buzz("warn");
  beep("ask");
}

function box() {
  return (
    document.getElementById("checkin") ??
    document.body.appendChild(h("div", { id: "checkin", role: "alertdialog", "aria-labelledby": "checkin-title" }))
  );
}

function show() {
  const element = box();
  element.hidden = false;
  fill(
    element,
    h("div", { class: "checkin-mark" }, icon("person")),
    h("h2", { id: "checkin-title" }, t("are_you_well")),
    h("p", {}, t("are_you_well_hint")),
    h("p", { class: "checkin-left num", "data-left": "" }, countdown(asked.due_ms - clock.now())),
    button("button-fine", t("i_am_fine"), answer, { symbol: "check" }),
  );
}

async function answer() {
  answered.add(asked.id);
  buzz("ok");
  hide();
  await queue.add("check_in", by(), {});
  await refresh();
  changed();
  toast(t("checked_in"), "ok");
  sync.soon();
}

function hide() {
  clearInterval(calling);
  asked = null;
  const element = document.getElementById("checkin");
  if (element) element.hidden = true;
}

export function tickCheckIn() {
  const line = asked && document.querySelector("[data-left]");
  if (line) line.textContent = countdown(Math.max(0, asked.due_ms - clock.now()));
}
