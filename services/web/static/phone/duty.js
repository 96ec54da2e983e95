// The end of duty and its code. A code entered under duress looks the same: the server alone knows the difference.

import { randomId } from "./clock.js";
import { keep } from "./db.js";
import * as deliver from "./deliver.js";
import { changed, setDuty, state } from "./state.js";
import { button, buzz, closeSheet, fill, h, icon, openSheet, toast } from "./ui.js";
import { t } from "./words.js";

const DIGITS = 4;

/** Four dots and twelve keys; `entered(code)` when the last digit is there, and it may be entered again. */
function pad(entered) {
  let code = "";
  const dots = h("div", { class: "dots", role: "status", "aria-label": t("digits", { count: 0 }) });
  const draw = () => {
    fill(
      dots,
      Array.from({ length: DIGITS }, (_, index) => h("i", { class: index < code.length ? "is-full" : "" })),
    );
    dots.setAttribute("aria-label", t("digits", { count: code.length }));
  };
  const press = (digit) => {
    if (code.length >= DIGITS) return;
    buzz("hold");
    code += digit;
    draw();
    if (code.length === DIGITS)
      setTimeout(() => {
        const whole = code;
        code = "";
        draw();
        entered(whole);
      }, 150);
  };
  const erase = () => {
    code = code.slice(0, -1);
    draw();
  };
  const key = (digit) => h("button", { type: "button", class: "key num", onclick: () => press(digit) }, digit);
  draw();
  return [
    dots,
    h(
      "div",
      { class: "keys" },
      [..."123456789"].map(key),
      h("span"),
      key("0"),
      h("button", { type: "button", class: "key key-plain", "aria-label": t("erase"), onclick: erase }, icon("erase")),
    ),
  ];
}

/** Sign off with the code. */
export function askForSignOff() {
  if (!state.briefing.has_pin) return askForPin(false);
  const line = h("p", { class: "pad-line", "aria-live": "polite" }, t("sign_off_hint"));
  const id = randomId();
  const entered = async (pin) => {
    line.textContent = t("one_moment");
    try {
      await deliver.postJson("/sign-off", { client_id: id, pin });
      await setDuty(null);
      closeSheet();
      toast(t("signed_off"), "ok");
      changed();
    } catch (error) {
      buzz("bad");
      line.textContent = why(error, t("pin_wrong"));
    }
  };
  openSheet(t("sign_off"), [line, ...pad(entered)], [], { className: "is-pad" });
  return undefined;
}

function why(error, refused) {
  if (error instanceof deliver.SignedOut) return t("signed_out");
  if (!(error instanceof deliver.Refused)) return t("needs_network");
  return error.problem.status === 429
    ? t("too_many", { minutes: Math.ceil((error.problem.retry_after_s ?? 60) / 60) })
    : refused;
}

/** Choose the code, twice, and prove by the password that it is one's own. */
export function askForPin(isOffer) {
  let first = "";
  const line = h("p", { class: "pad-line", "aria-live": "polite" }, t("pin_choose"));
  const entered = (pin) => {
    if (!first) {
      first = pin;
      line.textContent = t("pin_again");
    } else if (pin === first) askForPassword(pin);
    else {
      first = "";
      buzz("bad");
      line.textContent = t("pin_differs");
    }
  };
  openSheet(
    t("pin_title"),
    [h("p", { class: "notice" }, t("pin_duress")), line, ...pad(entered)],
    isOffer ? [button("button-quiet button-wide", t("later"), closeSheet)] : [],
    { className: "is-pad" },
  );
}

function askForPassword(pin) {
  const line = h("p", { class: "pad-line", "aria-live": "polite" }, t("pin_password_hint"));
  const password = h("input", {
    type: "password",
    autocomplete: "current-password",
    maxlength: 256,
    "aria-label": t("password"),
    enterkeyhint: "done",
    onkeydown: (event) => {
      if (event.key === "Enter") save();
    },
  });
  const save = async () => {
    line.textContent = t("one_moment");
    try {
      await deliver.postJson("/pin", { pin, password: password.value });
      state.briefing.has_pin = true;
      await keep("briefing", state.briefing);
      closeSheet();
      toast(t("pin_saved"), "ok");
    } catch (error) {
      buzz("bad");
      line.textContent = why(error, t("password_wrong"));
    }
  };
  openSheet(
    t("pin_title"),
    [line, h("label", { class: "field" }, h("span", {}, t("password")), password)],
    [button("button-main button-wide", t("save"), save, { symbol: "check" })],
    { className: "is-pad" },
  );
  password.focus();
}
