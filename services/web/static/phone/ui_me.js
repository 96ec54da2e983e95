// The guard's own page: duty, code, what waits on this phone, language, sound, signing out.

import { skewMs } from "./clock.js";
import { askForPin, askForSignOff } from "./duty.js";
import * as deliver from "./deliver.js";
import * as nfc from "./nfc.js";
import * as queue from "./queue.js";
import { changed, isOnDuty, refresh, state } from "./state.js";
import * as sync from "./sync.js";
import { button, clockTime, closeSheet, h, hasSound, icon, openSheet, setSound, toast } from "./ui.js";
import { language, languages, nameOf, speak, t } from "./words.js";

const REFUSALS = { 403: "refused_forbidden", 404: "refused_unknown", 409: "refused_conflict", 422: "refused_invalid" };
const NAMES = { zh: "简体中文", en: "English" };

export function meView() {
  return [
    h(
      "section",
      { class: "page-head" },
      h("h1", {}, state.user.display_name),
      h("p", { class: "quiet" }, nameOf(state.briefing, "site_name"), " · ", state.user.username),
    ),
    h(
      "div",
      { class: "rows" },
      row("clock", t("duty"), isOnDuty() ? t("on_duty_since", { at: clockTime(state.duty.since_ms) }) : t("off_duty")),
      row("send", t("to_deliver"), state.waiting ? t("items", { count: state.waiting }) : t("all_delivered"), () => {
        sync.soon();
        toast(t("trying"));
      }),
      state.refused > 0 && row("warn", t("refused"), t("items", { count: state.refused }), showRefused, "is-warn"),
      row("nfc", "NFC", nfc.state.on ? t("nfc_is_on") : t(nfc.isSupported() ? "nfc_is_off" : "nfc_none_short")),
      Math.abs(skewMs()) > 60_000 &&
        row(
          "clock",
          t("phone_clock"),
          t("phone_clock_off", { count: Math.round(Math.abs(skewMs()) / 60_000) }),
          null,
          "is-warn",
        ),
    ),
    h(
      "div",
      { class: "rows" },
      row(
        "key",
        t("pin_title"),
        t(state.briefing.has_pin ? "pin_is_set" : "pin_is_missing"),
        () => askForPin(false),
        state.briefing.has_pin ? "" : "is-warn",
      ),
      toggle(t("sound"), hasSound(), (on) => setSound(on)),
      h(
        "div",
        { class: "row" },
        h("span", { class: "grow" }, t("language")),
        h(
          "span",
          { class: "segmented" },
          Object.keys(NAMES)
            .filter((code) => languages.includes(code))
            .map((code) =>
              h(
                "button",
                {
                  type: "button",
                  "aria-pressed": String(code === language()),
                  onclick: () => {
                    speak(code);
                    changed();
                  },
                },
                NAMES[code],
              ),
            ),
        ),
      ),
    ),
    h(
      "form",
      { class: "sign-out", onsubmit: signOut },
      h("button", { class: "button button-plain button-wide" }, t("sign_out")),
    ),
  ];
}

export function meActions() {
  return isOnDuty() ? [button("button-quiet button-wide", t("sign_off"), askForSignOff, { symbol: "flag" })] : [];
}

function row(symbol, name, value, act = null, className = "") {
  const inside = [
    icon(symbol),
    h("span", { class: "grow" }, name),
    h("span", { class: "row-value" }, value),
    act && icon("next", "icon icon-small"),
  ];
  return act
    ? h("button", { type: "button", class: `row ${className}`, onclick: act }, inside)
    : h("div", { class: `row ${className}` }, inside);
}

function toggle(name, on, act) {
  const box = h(
    "button",
    {
      type: "button",
      class: "row",
      role: "switch",
      "aria-checked": String(on),
      onclick: () => {
        const next = box.getAttribute("aria-checked") !== "true";
        box.setAttribute("aria-checked", String(next));
        act(next);
      },
    },
    h("span", { class: "grow" }, name),
    h("span", { class: "switch" }, h("i")),
  );
  return box;
}

async function showRefused() {
  const items = await queue.refused();
  const forget = async (item) => {
    await queue.forgetRefused(item.client_id);
    await refresh();
    closeSheet();
    changed();
  };
  openSheet(t("refused"), [
    h("p", { class: "notice" }, t("refused_hint")),
    h(
      "div",
      { class: "rows" },
      items.map((item) =>
        h(
          "div",
          { class: "row" },
          h(
            "span",
            { class: "grow" },
            `${t(`kind_${item.kind}`)} ${clockTime(item.wall_ms + skewMs())}`,
            h("br"),
            REFUSALS[item.status] && [t(REFUSALS[item.status]), h("br")],
            h("span", { class: "quiet" }, item.reason),
          ),
          button("button-plain", t("forget"), () => forget(item)),
        ),
      ),
    ),
  ]);
}

async function signOut(event) {
  event.preventDefault();
  try {
    await deliver.me();
  } catch (error) {
    if (error instanceof deliver.SignedOut) location.assign("/sign-in?next=/patrol/phone");
    else toast(t("needs_network"), "bad");
    return;
  }
  const form = h(
    "form",
    { method: "post", action: "/sign-out" },
    h("input", { type: "hidden", name: "csrf_token", value: deliver.csrfToken() }),
  );
  document.body.append(form);
  form.submit();
}
