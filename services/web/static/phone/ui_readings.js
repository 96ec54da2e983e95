// Typing a reading in: which point, the value, and what makes it evidence.

import * as clock from "./clock.js";
import { limits, numberField } from "./checklist.js";
import { keep, recall } from "./db.js";
import { photoRow } from "./photo.js";
import * as queue from "./queue.js";
import { calibration, daysAgo, isGood, isOld, isPossible, known, lastOf, note, readings, waitingOf } from "./readings.js";
import { by, changed, refresh, state } from "./state.js";
import * as sync from "./sync.js";
import { button, buzz, closeSheet, dayOf, fill, flash, h, icon, openSheet, shortDay, toast } from "./ui.js";
import { nameOf, t } from "./words.js";

const FIELDS = ["condition", "circuit", "place", "instrument"]; // in the order of the form

const unitOf = (point) => (point.unit === "1" ? "" : point.unit);
const shown = (point, value) => [value, unitOf(point)].filter((one) => one !== "").join(" ");
const wordsOf = (last) =>
  [last.circuit, last.place, last.condition && t(`reading_${last.condition}`)].filter(Boolean).join(" · ");

/** The way in from the home page; null: nothing to measure, or not for this person. */
export function readingsEntry() {
  if (!readings.on) return null;
  const now = clock.now();
  const old = readings.points.filter((point) => isOld(point, now)).length;
  return h(
    "button",
    { type: "button", class: "card readings-entry", onclick: openReadings },
    icon("gauge"),
    h(
      "span",
      { class: "grow" },
      h("b", { class: "card-name" }, t("readings")),
      h("span", { class: "card-note" }, t("readings_hint")),
    ),
    old > 0 && h("span", { class: "pill num" }, t("readings_due", { count: old })),
    icon("next"),
  );
}

async function openReadings() {
  const waiting = await waitingOf();
  const now = clock.now();
  const isDue = (point) => lastOf(point).length > 0 && isOld(point, now);
  const rows = [...readings.points].sort((a, b) => isDue(b) - isDue(a));
  openSheet(t("readings"), [
    h(
      "ul",
      { class: "cards" },
      rows.map((point) => h("li", {}, pointRow(point, waiting[point.id] ?? 0, now))),
    ),
  ]);
}

function pointRow(point, waiting, now) {
  const [last] = lastOf(point);
  const bad = last && isGood(point, last.value) === false;
  return h(
    "button",
    { type: "button", class: "card reading-point", onclick: () => openReading(point) },
    h(
      "span",
      { class: "grow" },
      h("b", { class: "card-name" }, nameOf(point)),
      h("span", { class: "card-note" }, nameOf(point, "area")),
      last
        ? h(
            "span",
            { class: `card-note num ${bad ? "is-bad" : ""}` },
            [t("last_value", { value: shown(point, last.value), day: shortDay(last.at_ms) }), wordsOf(last)]
              .filter(Boolean)
              .join(" · "),
          )
        : h("span", { class: "card-note" }, t("reading_never")),
    ),
    waiting > 0 && h("span", { class: "pill num" }, t("reading_waits", { count: waiting })),
    last && isOld(point, now) && h("span", { class: "pill-bad" }, t("reading_again")),
    icon("next"),
  );
}

/** The form of one point; what is typed is kept at once. */
export async function openReading(point) {
  const key = `reading.${by()}/${point.id}`;
  const draft = (await recall(key)) ?? {
    client_id: clock.randomId(),
    instrument: point.asks.instrument ? await recall("reading.instrument", "") : "",
    circuit: "",
    place: "",
    condition: "",
    note: "",
    photos: [],
  };
  let finished = false;
  const save = () => {
    if (!finished) keep(key, draft).catch(() => toast(t("not_saved"), "bad"));
  };
  const verdict = h("p", { class: "verdict", "aria-live": "polite" });
  const proof = h("p", { class: "quiet reading-proof" });
  const number = h("li", { class: "question", id: "reading-value" });
  const judge = (isFresh) => {
    const { value } = draft;
    const possible = value === undefined || isPossible(point, value);
    const good = possible ? isGood(point, value) : null;
    number.classList.toggle("is-good", good === true);
    number.classList.toggle("is-bad", good === false || !possible);
    fill(
      verdict,
      !possible && [icon("warn"), t("reading_impossible", { range: limits(validOf(point)) })],
      good === false && [icon("warn"), t("reading_bad")],
      good === true && (point.minimum ?? point.maximum) !== null && [icon("check"), t("reading_good")],
    );
    proof.textContent = t(good === false ? "reading_photo_bad" : "reading_photo");
    proof.classList.toggle("is-warn", good === false);
    if (isFresh && (good === false || !possible)) buzz("warn");
  };
  number.append(
    h("p", { class: "question-text" }, t("reading_value")),
    numberField(
      { ...point, name: t("reading_value"), text: t("reading_value"), text_en: t("reading_value"), id: "value", unit: unitOf(point) },
      draft,
      (value) => {
        draft.value = value;
        number.classList.remove("is-missing");
        judge(true);
        save();
      },
    ),
    verdict,
  );
  judge(false);

  const complete = async () => {
    const problem = missing(point, draft);
    if (problem) {
      const row = document.getElementById(`reading-${problem.field}`);
      row.classList.add("is-missing");
      row.scrollIntoView({ block: "center", behavior: "smooth" });
      toast(problem.text, "warn");
      buzz("warn");
      return;
    }
    if (finished) return;
    finished = true;
    const item = {
      client_id: draft.client_id, // finished twice it is still one
      point: point.id,
      value: draft.value,
      ...Object.fromEntries(["instrument", "circuit", "place", "note"].map((name) => [name, draft[name].trim()])),
      condition: draft.condition,
      photos: draft.photos,
    };
    try {
      await queue.add("reading", by(), item);
    } catch {
      finished = false;
      flash("bad", t("not_saved"), t("not_saved_hint"), { ms: 5000 });
      return;
    }
    closeSheet();
    await keep(key, null);
    if (item.instrument) await keep("reading.instrument", item.instrument);
    await note(item, clock.now());
    const bad = isGood(point, item.value) === false;
    const words = [bad && t("reading_order_follows"), state.link !== "ok" && t("reading_later")].filter(Boolean);
    flash(bad ? "warn" : "ok", `${nameOf(point)} ${shown(point, item.value)}`, words.join(" "), {
      label: t("recorded"),
      ms: bad || words.length ? 3200 : 1600,
    });
    await refresh();
    changed();
    sync.soon();
  };

  const hint = { insulation: "reading_hint_insulation", friction: "reading_hint_friction" }[point.quantity];
  openSheet(
    nameOf(point),
    [
      h("p", { class: "check-where" }, h("span", {}, nameOf(point, "area")), lastLines(point)),
      hint && h("p", { class: "notice" }, t(hint)),
      h(
        "ol",
        { class: "questions" },
        number,
        point.asks.condition && conditionRow(draft, save),
        point.asks.circuit && textRow("circuit", point, draft, save),
        point.asks.place && textRow("place", point, draft, save),
        point.asks.instrument && instrumentRow(draft, save),
      ),
      h("div", { class: "extras", id: "reading-photos" }, proof, photoRow(draft.photos, save), noteField(draft, save)),
    ],
    [
      button("button-quiet", t("check_later"), closeSheet),
      button("button-main", t("reading_record"), complete, { symbol: "check" }),
    ],
    { closable: false, className: "is-checklist" },
  );
}

const validOf = (point) => ({ minimum: point.valid_min, maximum: point.valid_max });

/** The first thing that is still needed: {field, text}; null: nothing. */
function missing(point, draft) {
  if (draft.value === undefined) return { field: "value", text: t("reading_value_missing") };
  if (!isPossible(point, draft.value))
    return { field: "value", text: t("reading_impossible", { range: limits(validOf(point)) }) };
  for (const field of FIELDS) {
    if (point.asks[field] && !draft[field].trim()) return { field, text: t(`reading_${field}_missing`) };
  }
  if (isGood(point, draft.value) === false && !draft.photos.length && !draft.note.trim())
    return { field: "photos", text: t("finding_needs_word") };
  return null;
}

function lastLines(point) {
  const now = clock.now();
  return lastOf(point)
    .slice(0, 3)
    .map((last) => {
      const days = daysAgo(last.at_ms, now);
      const isLate = point.again_days > 0 && days > point.again_days;
      const bad = isGood(point, last.value) === false;
      return h(
        "span",
        { class: `num ${bad ? "is-bad" : isLate ? "is-warn" : ""}` },
        [
          t("last_value", { value: shown(point, last.value), day: shortDay(last.at_ms) }),
          wordsOf(last),
          isLate && t("reading_old", { count: days, limit: point.again_days }),
        ]
          .filter(Boolean)
          .join(" · "),
      );
    });
}

function conditionRow(draft, save) {
  const row = h("li", { class: "question", id: "reading-condition" }, h("p", { class: "question-text" }, t("reading_condition")));
  const buttons = ["dry", "wet"].map((value) =>
    h(
      "button",
      {
        type: "button",
        class: "answer answer-good",
        "aria-pressed": String(draft.condition === value),
        onclick: (event) => {
          draft.condition = value;
          for (const other of buttons) other.setAttribute("aria-pressed", String(other === event.currentTarget));
          row.classList.remove("is-missing");
          buzz("hold");
          save();
        },
      },
      t(`reading_${value}`),
    ),
  );
  row.append(h("div", { class: "answers" }, buttons));
  return row;
}

/** A text with what was written there before, one touch away: a circuit keeps one name. */
function textRow(field, point, draft, save) {
  return choosable(field, t(`reading_${field}`), known(point, field).map((text) => [text, text]), draft, save);
}

function instrumentRow(draft, save) {
  const doubt = h("p", { class: "verdict", "aria-live": "polite" });
  const today = dayOf(clock.now());
  const look = () => {
    const found = calibration(draft.instrument, today);
    fill(doubt, ["expired", "none", "unknown"].includes(found) && [icon("warn"), t(`instrument_${found}`)]);
    doubt.classList.toggle("is-warn", found === "expired");
  };
  const choices = readings.instruments.map((one) => [one.number, `${nameOf(one)} ${one.number}`]);
  const row = choosable("instrument", t("instrument"), choices, draft, () => {
    look();
    save();
  });
  row.append(doubt);
  look();
  return row;
}

function choosable(field, title, choices, draft, save) {
  const row = h("li", { class: "question", id: `reading-${field}` }, h("p", { class: "question-text" }, title));
  const box = h("input", {
    type: "text",
    maxlength: field === "place" ? 200 : 80,
    autocomplete: "off",
    "aria-label": title,
    oninput: () => said(box.value),
  });
  const said = (text) => {
    draft[field] = text;
    for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.value === text.trim()));
    row.classList.remove("is-missing");
    save();
  };
  const chips = choices.map(([value, text]) =>
    h(
      "button",
      {
        type: "button",
        class: "chip reading-chip",
        "data-value": value,
        "aria-pressed": String(draft[field] === value),
        onclick: () => {
          box.value = value;
          buzz("hold");
          said(value);
        },
      },
      text,
    ),
  );
  box.value = draft[field];
  row.append(box);
  if (chips.length) row.append(h("div", { class: "chips" }, chips));
  return row;
}

function noteField(draft, save) {
  const box = h("textarea", { rows: 2, maxlength: 500, placeholder: t("note_hint"), "aria-label": t("note") });
  box.value = draft.note;
  box.addEventListener("input", () => {
    draft.note = box.value;
    document.getElementById("reading-photos").classList.remove("is-missing");
    save();
  });
  return box;
}
