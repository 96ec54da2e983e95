// A checklist filled at a piece of equipment. Every answer is kept at once: a phone may fall, a page may be closed.

import * as clock from "./clock.js";
import { choiceRow, isGood, numberField } from "./checklist.js";
import { keep, recall } from "./db.js";
import { photoRow } from "./photo.js";
import * as queue from "./queue.js";
import { signaturePad } from "./signature.js";
import { by, changed, refresh } from "./state.js";
import * as sync from "./sync.js";
import { button, buzz, clockTime, closeSheet, fill, flash, h, icon, openSheet, shortDay, toast } from "./ui.js";
import { checklistOf, equipmentOf, isOutside, note as noteDone, planOf } from "./upkeep.js";
import { nameOf, t } from "./words.js";

const SURE_MS = 4_000;

let drafts = {}; // what was begun on this phone: key → draft
let open = null; // key of the one on the screen

export async function loadDrafts() {
  drafts = await recall("drafts", {});
  open = await recall("inspecting");
}

/** What this person began and did not finish, the newest first. */
export const begun = () =>
  Object.values(drafts)
    .filter((draft) => draft.by === by() && equipmentOf(draft.equipment) && checklistOf(draft.checklist))
    .sort((a, b) => b.started.wall_ms - a.started.wall_ms);

/** After a reload: the checklist that was on the screen opens again as it was. */
export function resumeInspection() {
  const draft = drafts[open];
  if (!draft || draft.by !== by()) return;
  const [equipment, checklist] = [equipmentOf(draft.equipment), checklistOf(draft.checklist)];
  if (equipment && checklist) inspect(equipment, checklist, draft.task, draft.opened_by);
}

const answered = (draft) => Object.keys(draft.answers).length + draft.photos.length + draft.note.length > 0;

function keepDraft(key, draft) {
  if (draft) drafts[key] = draft;
  else delete drafts[key];
  return keep("drafts", drafts).catch(() => flash("bad", t("not_saved"), t("not_saved_hint"), { ms: 5000 }));
}

/** Open a checklist for an entry; `task` is what it does, null: nothing was due. */
export function inspect(equipment, checklist, task, openedBy) {
  const key = `${by()}/${equipment.id}/${checklist.id}`;
  const draft = drafts[key] ?? {
    client_id: clock.randomId(),
    by: by(),
    equipment: equipment.id,
    checklist: checklist.id,
    task,
    started: clock.stamp(),
    answers: {},
    notes: {},
    pictures: {},
    photos: [],
    note: "",
    instrument: "",
    emergency: false,
    opened_by: openedBy,
  };
  if (openedBy !== "list") draft.opened_by = openedBy;
  if (task) draft.task = task;
  let finished = false;
  const save = () => {
    if (!finished) keepDraft(key, draft);
    tally();
  };
  const rows = checklist.items.map((item) => question(item, equipment, draft, save));
  const count = h("span", { class: "num" });
  const tally = () => {
    const done = checklist.items.filter((item) => draft.answers[item.id] !== undefined).length;
    fill(count, `${done}/${checklist.items.length}`);
  };

  const complete = async () => {
    const problem = missing(checklist, draft);
    if (problem) {
      const row = document.getElementById(problem.id);
      row.classList.add("is-missing");
      row.scrollIntoView({ block: "center", behavior: "smooth" });
      toast(problem.text, "warn");
      buzz("warn");
      return;
    }
    if (finished) return;
    finished = true;
    try {
      await deliverable(equipment, checklist, draft);
    } catch {
      finished = false;
      flash("bad", t("not_saved"), t("not_saved_hint"), { ms: 5000 });
      return;
    }
    closeSheet();
    await keepDraft(key, null);
    await noteDone(equipment, checklist, draft.task, draft.answers, clock.now());
    const bad = findings(checklist, draft).length;
    const words = bad ? t("check_findings", { count: bad }) : t("check_all_good");
    flash(bad ? "warn" : "ok", nameOf(equipment), words, { label: t("check_done"), ms: bad ? 3200 : 1600 });
    await refresh();
    changed();
    sync.soon();
  };

  const body = [
    h(
      "p",
      { class: "check-where" },
      h("b", {}, nameOf(checklist)),
      h("span", {}, [nameOf(equipment, "area"), equipment.place].filter(Boolean).join(" · ")),
    ),
    windowNotice(draft, save),
    equipment.findings > 0 && h("p", { class: "notice" }, t("check_open_findings", { count: equipment.findings })),
    allGood(checklist, draft, rows, equipment, save),
    h("ol", { class: "questions" }, rows),
    checklist.items.some((item) => item.instrument) && instrumentField(draft, save),
    h("div", { class: "extras" }, photoRow(draft.photos, save), noteField(draft, save)),
  ];
  openSheet(
    nameOf(equipment),
    body,
    [
      button("button-quiet", t("check_later"), closeSheet),
      h("button", { type: "button", class: "button button-main", onclick: complete }, icon("check"), t("done"), count),
    ],
    {
      closable: false,
      className: "is-checklist",
      closed: () => {
        open = null;
        keep("inspecting", null);
        if (!finished && !answered(draft)) keepDraft(key, null);
        changed();
      },
    },
  );
  // Only now: a sheet that this one replaced has just said that it is closed.
  open = key;
  keep("inspecting", key);
  tally();
}

const findings = (checklist, draft) =>
  checklist.items.filter((item) => isGood(item, draft.answers[item.id]) === false).map((item) => item.id);

const idOf = (item) => `check-${item.id}`;

/** The first thing that is still needed: {id of its row, what to say}; null: nothing. */
function missing(checklist, draft) {
  const unanswered = checklist.items.filter((item) => item.required && draft.answers[item.id] === undefined);
  if (unanswered.length) return { id: idOf(unanswered[0]), text: t("answers_missing", { count: unanswered.length }) };
  const bare = findings(checklist, draft).find((id) => !draft.notes[id]?.trim() && !draft.pictures[id]?.length);
  if (bare) return { id: idOf({ id: bare }), text: t("finding_needs_word") };
  const unseen = checklist.items.find((item) => needsPhoto(item, draft) && !draft.pictures[item.id]?.length);
  if (unseen) return { id: idOf(unseen), text: t("finding_needs_photo") };
  const measured = checklist.items.some((item) => item.instrument && draft.answers[item.id] !== undefined);
  if (measured && !draft.instrument.trim()) return { id: "check-instrument", text: t("instrument_missing") };
  return null;
}

const needsPhoto = (item, draft) => item.photo && isGood(item, draft.answers[item.id]) === false;

function deliverable(equipment, checklist, draft) {
  const bad = findings(checklist, draft);
  const of = (things) => Object.fromEntries(Object.entries(things).filter(([id]) => bad.includes(id)));
  return queue.add("inspection", by(), {
    client_id: draft.client_id, // finished twice it is still one
    equipment: equipment.id,
    checklist: checklist.id,
    version: checklist.version,
    task: draft.task?.id ?? "",
    started: draft.started,
    answers: draft.answers,
    findings: bad,
    notes: of(draft.notes),
    pictures: of(draft.pictures),
    note: draft.note.trim(),
    photos: draft.photos,
    instrument: draft.instrument.trim(),
    opened_by: draft.opened_by,
    emergency: draft.emergency,
  });
}

function question(item, equipment, draft, save) {
  const verdict = h("p", { class: "verdict", "aria-live": "polite" });
  const finding = h("div", { class: "finding", hidden: true });
  const row = h(
    "li",
    { class: "question", id: idOf(item) },
    h(
      "p",
      { class: "question-text" },
      nameOf(item, "text"),
      !item.required && h("span", { class: "quiet" }, ` · ${t("optional")}`),
    ),
  );
  const judge = (isFresh) => {
    const good = isGood(item, draft.answers[item.id]);
    row.classList.toggle("is-good", good === true);
    row.classList.toggle("is-bad", good === false);
    fill(verdict, good === false && [icon("warn"), t(item.kind === "number" ? "outside_limits" : "finding")]);
    finding.hidden = good !== false;
    if (good === false && !finding.childElementCount) fill(finding, findingFields(item, draft, row, save));
    if (good === false && isFresh) buzz("warn");
  };
  const answer = (value) => {
    if (value === undefined || value === null || value === "" || value.length === 0) delete draft.answers[item.id];
    else draft.answers[item.id] = value;
    row.classList.remove("is-missing");
    judge(true);
    save();
  };
  row.append(field(item, draft, answer));
  const last = item.kind === "number" && equipment.last[item.id];
  if (last) row.append(h("p", { class: "last num" }, t("last_value", { value: last[0], day: shortDay(last[1]) })));
  row.append(verdict, finding);
  judge(false);
  return row;
}

function field(item, draft, answer) {
  const given = draft.answers[item.id];
  if (item.kind === "number") return numberField(item, draft.answers, answer);
  if (item.kind === "photo") {
    const ids = [...(given ?? [])];
    return photoRow(ids, () => answer([...ids]));
  }
  if (item.kind === "signature") return signaturePad(given?.[0], (id) => answer(id ? [id] : undefined));
  if (item.kind !== "text") return choiceRow(item, draft.answers, answer);
  const box = h("textarea", { rows: 2, maxlength: 2000, "aria-label": nameOf(item, "text") });
  box.value = given ?? "";
  box.addEventListener("input", () => answer(box.value.trim()));
  return box;
}

/** What is wrong there: a photo or a word is needed, and it goes into the order. */
function findingFields(item, draft, row, save) {
  draft.pictures[item.id] ??= [];
  const box = h("input", {
    type: "text",
    maxlength: 160,
    placeholder: t("finding_what"),
    "aria-label": t("finding_what"),
    value: draft.notes[item.id] ?? "",
    oninput: () => {
      draft.notes[item.id] = box.value;
      row.classList.remove("is-missing");
      save();
    },
  });
  const pictured = () => {
    row.classList.remove("is-missing");
    save();
  };
  const asked = item.photo && h("p", { class: "quiet" }, t("finding_needs_photo"));
  return [box, asked, photoRow(draft.pictures[item.id], pictured)];
}

/** One touch, and one more to be sure, for what is only looked at: never for numbers, photos or signatures. */
function allGood(checklist, draft, rows, equipment, save) {
  const open = () => checklist.items.filter((item) => item.kind === "pass_fail" && draft.answers[item.id] === undefined);
  if (open().length < 2) return null;
  const label = h("span", {}, t("all_good"));
  let timer = 0;
  const ask = () => {
    timer = setTimeout(() => {
      timer = 0;
      box.classList.remove("is-asking");
      fill(label, t("all_good"));
    }, SURE_MS);
    box.classList.add("is-asking");
    fill(label, t("all_good_sure", { count: open().length }));
    buzz("warn");
  };
  const box = h(
    "button",
    {
      type: "button",
      class: "button button-dashed button-wide all-good",
      onclick: () => {
        if (!timer) return ask();
        clearTimeout(timer);
        for (const item of open()) {
          draft.answers[item.id] = true;
          const row = question(item, equipment, draft, save);
          document.getElementById(idOf(item)).replaceWith(row);
        }
        box.hidden = true;
        buzz("ok");
        save();
      },
    },
    icon("check"),
    label,
  );
  return box;
}

function windowNotice(draft, save) {
  if (!isOutside(draft.task, clockTime(clock.now()))) return null;
  const toggle = h(
    "button",
    {
      type: "button",
      class: "pick pick-check",
      "aria-pressed": String(draft.emergency),
      onclick: () => {
        draft.emergency = !draft.emergency;
        toggle.setAttribute("aria-pressed", String(draft.emergency));
        buzz("hold");
        save();
      },
    },
    h("span", { class: "tick" }, icon("check")),
    h("span", { class: "grow" }, t("check_emergency")),
  );
  const [from, until] = planOf(draft.task).window.map((one) => one.slice(0, 5));
  return h("div", { class: "check-window" }, h("p", { class: "notice" }, t("check_window", { from, until })), toggle);
}

function instrumentField(draft, save) {
  const box = h("input", {
    type: "text",
    maxlength: 120,
    autocomplete: "off",
    value: draft.instrument,
    oninput: () => {
      draft.instrument = box.value;
      document.getElementById("check-instrument").classList.remove("is-missing");
      save();
    },
  });
  return h("label", { class: "field question", id: "check-instrument" }, h("span", {}, t("instrument")), box);
}

function noteField(draft, save) {
  const box = h("textarea", { rows: 2, maxlength: 2000, placeholder: t("note_hint"), "aria-label": t("note") });
  box.value = draft.note;
  box.addEventListener("input", () => {
    draft.note = box.value;
    save();
  });
  return box;
}
