// What a guard saw: a kind, a word, a picture. Two touches are enough.

import * as queue from "./queue.js";
import { photoRow } from "./photo.js";
import { by, changed, checkpoint, refresh, state } from "./state.js";
import * as sync from "./sync.js";
import { beep, button, buzz, closeSheet, h, icon, openSheet, toast } from "./ui.js";
import { nameOf, t } from "./words.js";

export function reportView() {
  return [
    h("section", { class: "page-head" }, h("h1", {}, t("report_title")), h("p", { class: "quiet" }, t("report_hint"))),
    h(
      "div",
      { class: "tiles" },
      state.briefing.categories.map((category) =>
        h(
          "button",
          { type: "button", class: `tile is-${category}`, onclick: () => write(category) },
          icon(category),
          h("span", {}, t(`category_${category}`)),
        ),
      ),
    ),
  ];
}

function write(category) {
  const photos = [];
  const places = state.briefing.checkpoints;
  const note = h("textarea", { rows: 4, maxlength: 2000, placeholder: t("report_note_hint"), "aria-label": t("note") });
  const place = h(
    "select",
    { "aria-label": t("place") },
    h("option", { value: "" }, t("place_unknown")),
    places.map((one) => h("option", { value: one.id, selected: one.id === state.last }, `${nameOf(one)}`)),
  );
  let sent = false;
  const send = async () => {
    if (sent) return;
    sent = true;
    await queue.add("incident", by(), { category, note: note.value.trim(), checkpoint: place.value, photos });
    closeSheet();
    buzz("ok");
    beep("ok");
    toast(t(state.link === "ok" ? "report_sent" : "report_queued"), "ok");
    await refresh();
    changed();
    sync.soon();
  };
  openSheet(
    t(`category_${category}`),
    [
      h("div", { class: "extras" }, photoRow(photos), note),
      h("label", { class: "field" }, h("span", {}, t("place")), place),
      state.last &&
        h(
          "p",
          { class: "quiet hint" },
          t("place_last", { name: nameOf(checkpoint(state.last) ?? { name: state.last }) }),
        ),
    ],
    [button("button-main button-wide", t("send_report"), send, { symbol: "send" })],
  );
}
