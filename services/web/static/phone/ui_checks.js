// What is to be inspected, place by place; a label that is scanned opens what is due for its equipment.

import * as clock from "./clock.js";
import { begun, inspect } from "./inspect.js";
import * as nfc from "./nfc.js";
import { offerCode } from "./scan.js";
import { checkpoint, digest, recognise } from "./state.js";
import { button, closeSheet, dateWords, dayOf, fill, flash, h, icon, openSheet } from "./ui.js";
import { listen } from "./ui_round.js";
import { checklistOf, dueOf, equipmentOf, isOverdue, places, planOf, upkeep } from "./upkeep.js";
import { nameOf, t } from "./words.js";

const FEW = 12; // so many are shown without touching a place
const LABEL = /\/e\/([0-9A-Za-z]{6,16})(?:[/?#]|$)/;
const CHECKPOINT_MS = 10 * 60_000;

let text = "";
let here = null; // {checkpoint, at}: the place whose tag was read last
let isOpen = {}; // place → unfolded or folded by hand

const search = h("input", {
  type: "search",
  class: "check-search",
  maxlength: 60,
  autocomplete: "off",
  enterkeyhint: "search",
  oninput: () => {
    text = search.value.trim();
    fill(list, groups());
  },
  onkeydown: (event) => {
    // A scanner at a desk types what is on the label.
    if (event.key === "Enter" && text) opened({ code: text, entered: "typed" });
  },
});
const list = h("div", { class: "check-list" });

export function checksView() {
  const now = clock.now();
  const due = upkeep.equipment.flatMap((one) => dueOf(one, now));
  const overdue = due.filter((task) => isOverdue(task, now)).length;
  search.placeholder = t("check_search");
  search.setAttribute("aria-label", t("check_search"));
  const hadFocus = document.activeElement === search;
  fill(list, groups());
  if (hadFocus) setTimeout(() => search.focus());
  return [
    h(
      "section",
      { class: "page-head check-head" },
      h("h1", {}, t("page_checks")),
      h(
        "p",
        { class: "quiet" },
        due.length ? t("check_due", { count: due.length }) : t("check_nothing"),
        overdue > 0 && h("b", { class: "overdue" }, ` · ${t("check_overdue", { count: overdue })}`),
      ),
    ),
    search,
    here && placeChip(),
    list,
  ];
}

export const checksActions = () => [
  !nfc.state.on && nfc.isSupported() && button("button-quiet", t("nfc_start"), listen, { symbol: "nfc" }),
  button("button-main", t("check_scan"), scan, { symbol: "code" }),
];

const redraw = () => document.dispatchEvent(new Event("gengfu:draw"));

/** A checkpoint was read while this page is looked at: what is due there comes first. */
export function showPlace(id) {
  here = { checkpoint: id, at: clock.now() };
  redraw();
}

const placeChip = () =>
  h(
    "button",
    {
      type: "button",
      class: "chip check-here",
      onclick: () => {
        here = null;
        redraw();
      },
    },
    icon("nfc"),
    t("check_here", { name: nameOf(checkpoint(here.checkpoint) ?? { name: here.checkpoint }) }),
    icon("close"),
  );

function groups() {
  const now = clock.now();
  const found = places(now, { text, checkpoint: here?.checkpoint });
  const rows = found.reduce((sum, group) => sum + group.rows.length, 0);
  const own = text || here ? [] : begun();
  return [
    own.length > 0 && h("div", { class: "cards" }, own.map(draftCard)),
    found.map((group, index) => placeGroup(group, rows <= FEW || Boolean(text || here) || index === 0, now)),
    !found.length &&
      !own.length &&
      h(
        "div",
        { class: "empty" },
        icon("clipboard", "empty-mark"),
        h("p", {}, t(text ? "check_no_match" : "check_nothing")),
        !text && h("p", { class: "quiet" }, t("check_nothing_hint")),
      ),
  ];
}

function draftCard(draft) {
  const [equipment, checklist] = [equipmentOf(draft.equipment), checklistOf(draft.checklist)];
  return h(
    "button",
    {
      type: "button",
      class: "card is-next",
      onclick: () => inspect(equipment, checklist, draft.task, draft.opened_by),
    },
    icon("clipboard"),
    h(
      "span",
      { class: "grow" },
      h("b", { class: "card-name" }, nameOf(equipment)),
      h("span", { class: "card-note" }, `${t("check_begun")} · ${nameOf(checklist)}`),
    ),
    icon("next"),
  );
}

function placeGroup(group, byItself, now) {
  const shown = isOpen[group.area] ?? byItself;
  const name = nameOf(group, "area") || t("place_unknown");
  return h(
    "section",
    { class: `check-place ${shown ? "is-open" : ""}` },
    h(
      "button",
      {
        type: "button",
        class: "check-place-head",
        "aria-expanded": String(shown),
        onclick: () => {
          isOpen[group.area] = !shown;
          fill(list, groups());
        },
      },
      h("span", { class: "grow" }, name),
      group.overdue > 0 && h("span", { class: "pill-bad num" }, t("check_overdue", { count: group.overdue })),
      group.count - group.overdue > 0 && h("span", { class: "pill num" }, String(group.count - group.overdue)),
      icon("next"),
    ),
    shown && h("ul", { class: "check-rows" }, group.rows.map((row) => h("li", {}, equipmentRow(row, now)))),
  );
}

function equipmentRow({ equipment, tasks }, now) {
  const [task] = tasks;
  const late = task && isOverdue(task, now);
  const words = tasks.length > 1 ? [t("check_due", { count: tasks.length })] : task ? [nameOf(planOf(task))] : [];
  return h(
    "button",
    { type: "button", class: `check-row ${late ? "is-late" : ""}`, onclick: () => openEquipment(equipment, proof(equipment)) },
    h(
      "span",
      { class: "grow" },
      h("b", {}, nameOf(equipment)),
      h("span", { class: "card-note" }, [...words, equipment.place].filter(Boolean).join(" · ") || equipment.eid),
      equipment.findings > 0 &&
        h("span", { class: "card-note is-warn" }, t("check_open_findings", { count: equipment.findings })),
    ),
    task && h("span", { class: "check-when num" }, when(task, now)),
    icon("next"),
  );
}

/** Whoever has just held the phone to the tag of the place is there. */
const proof = (equipment) =>
  here && clock.now() - here.at < CHECKPOINT_MS && equipment.checkpoints.includes(here.checkpoint) ? "tag" : "list";

/** When it is due, in a few words. */
function when(task, now) {
  const days = Math.floor((now - task.due_ms) / 86_400_000);
  if (task.due_ms <= now)
    return days ? t("late_days", { count: days }) : t("late_hours", { count: Math.max(1, Math.floor((now - task.due_ms) / 3_600_000)) });
  return task.due_on <= dayOf(now) ? t("check_today") : t("check_until", { day: dateWords(task.due_on) });
}

/** What can be done at an entry: the one checklist that is due at once, else a choice. */
export function openEquipment(equipment, openedBy) {
  const now = clock.now();
  const due = dueOf(equipment, now).filter((task) => checklistOf(task.checklist));
  const draft = begun().find((one) => one.equipment === equipment.id);
  if (draft && openedBy !== "list") return inspect(equipment, checklistOf(draft.checklist), draft.task, openedBy);
  if (due.length === 1 && !text) return inspect(equipment, checklistOf(due[0].checklist), due[0], openedBy);
  const others = equipment.checklists
    .filter((id) => checklistOf(id) && !due.some((task) => task.checklist === id))
    .map(checklistOf);
  const begin = (checklist, task) => () => {
    closeSheet();
    inspect(equipment, checklist, task, openedBy);
  };
  const where = [nameOf(equipment, "area"), equipment.place, equipment.eid].filter(Boolean).join(" · ");
  return openSheet(nameOf(equipment), [
    h("p", { class: "check-where" }, h("span", {}, where)),
    equipment.status !== "in_use" && h("p", { class: "notice" }, t(`status_${equipment.status}`)),
    equipment.findings > 0 && h("p", { class: "notice" }, t("check_open_findings", { count: equipment.findings })),
    due.length > 0 && h("p", { class: "section-title" }, t("check_is_due")),
    h(
      "div",
      { class: "picks" },
      due.map((task) => pick(nameOf(planOf(task)), when(task, now), begin(checklistOf(task.checklist), task), task, now)),
    ),
    others.length > 0 && h("p", { class: "section-title" }, t("check_besides")),
    h(
      "div",
      { class: "picks" },
      others.map((one) => pick(nameOf(one), "", begin(one, null))),
    ),
    !due.length && !others.length && h("p", { class: "quiet hint" }, t("check_no_plan")),
  ]);
}

const pick = (name, note, act, task = null, now = 0) =>
  h(
    "button",
    { type: "button", class: `pick ${task ? "is-next" : ""}`, onclick: act },
    h(
      "span",
      { class: "grow" },
      name,
      task?.missed > 0 && h("span", { class: "pick-note" }, t("check_missed", { count: task.missed })),
    ),
    note && h("span", { class: `check-when num ${isOverdue(task, now) ? "overdue" : ""}` }, note),
    icon("next"),
  );

// --- labels -------------------------------------------------------------------------------------------------------

const scan = () =>
  offerCode(
    async (read) => {
      if (await opened(read)) return;
      const place = await recognise(read);
      if (place) showPlace(place.id);
      else flash("warn", t("label_unknown"), t("label_unknown_hint"), { ms: 3200 });
    },
    { hint: t("check_scan_hint"), typed: t("check_typed"), act: t("check_open"), sample: "K7M2Q9XWT4HP" },
  );

/** Open what a label stands for: {url} by NFC, {code, entered} by camera or hand. False: it is no equipment's. */
export async function opened(read) {
  const label = LABEL.exec(read.url ?? "")?.[1] ?? read.code ?? "";
  if (!label || !upkeep.on) return false;
  const found = await digest(label.trim().toUpperCase());
  const equipment = upkeep.equipment.find((one) => one.tag === found);
  if (!equipment) return false;
  openEquipment(equipment, read.code === undefined ? "tag" : read.entered === "scanned" ? "qr" : "list");
  return true;
}

/** The page was opened by an address on a label, `…/patrol/phone#e/K7M2…`, which the phone's own camera read. */
export async function openFromAddress() {
  const label = LABEL.exec(location.hash.replace("#", "/"))?.[1];
  if (!label) return false;
  history.replaceState(null, "", location.pathname);
  return opened({ code: label, entered: "scanned" });
}
