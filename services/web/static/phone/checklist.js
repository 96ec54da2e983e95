// The questions of a checkpoint: big answers, limits judged on the spot, a note and pictures.

import { finish } from "./queue.js";
import { photoRow } from "./photo.js";
import { button, buzz, closeSheet, h, icon, openSheet, toast } from "./ui.js";
import { nameOf, t } from "./words.js";

/** Ask what is to be asked at `place`; the answers go with the held tap `item`. `done` is told when it may leave. */
export function openChecklist(item, place, done) {
  const answers = { ...item.answers };
  const photos = [...(item.photos ?? [])];
  const note = h("textarea", { rows: 2, maxlength: 2000, placeholder: t("note_hint"), "aria-label": t("note") });
  let left = false;

  const leave = async () => {
    if (left) return;
    left = true;
    await finish(item.seq, { answers, photos, note: note.value.trim() });
    done();
  };
  const complete = () => {
    const missing = place.questions.filter((one) => one.required && answers[one.id] === undefined);
    if (missing.length) {
      const first = document.getElementById(`question-${missing[0].id}`);
      first.classList.add("is-missing");
      first.scrollIntoView({ block: "center", behavior: "smooth" });
      toast(t("answers_missing", { count: missing.length }), "warn");
      buzz("warn");
      return;
    }
    closeSheet();
    toast(t("checklist_done"), "ok");
  };
  // Every answer is kept at once: a phone may fall.
  const answered = () =>
    finish(item.seq, { answers, held: true }).then((there) => {
      if (!there) left = true;
    });

  openSheet(
    nameOf(place),
    [
      h(
        "ol",
        { class: "questions" },
        place.questions.map((one) => question(one, answers, answered)),
      ),
      h("div", { class: "extras" }, photoRow(photos), note),
    ],
    [
      button("button-quiet", t("skip_checklist"), closeSheet),
      button("button-main", t("done"), complete, { symbol: "check" }),
    ],
    { closed: leave, className: "is-checklist", closable: false },
  );
}

function question(one, answers, answered) {
  const verdict = h("p", { class: "verdict", "aria-live": "polite" });
  const row = h(
    "li",
    { class: "question", id: `question-${one.id}` },
    h(
      "p",
      { class: "question-text" },
      nameOf(one, "text"),
      !one.required && h("span", { class: "quiet" }, ` · ${t("optional")}`),
    ),
  );
  const answer = (value) => {
    if (value === undefined) delete answers[one.id];
    else answers[one.id] = value;
    row.classList.remove("is-missing");
    judge(row, verdict, one, value);
    answered();
  };
  row.append(
    ...(one.kind === "number" ? [numberField(one, answers, answer)] : [choiceRow(one, answers, answer)]),
    verdict,
  );
  judge(row, verdict, one, answers[one.id]);
  return row;
}

/** Good, or a finding; null: not said. */
export function isGood(one, value) {
  if (value === undefined) return null;
  if (one.kind === "yes_no") return one.expect === null || value === one.expect;
  if (one.kind === "pass_fail") return value;
  if (one.kind === "choice") return !one.good.length || one.good.includes(value);
  if (one.kind !== "number") return true;
  return (one.minimum === null || value >= one.minimum) && (one.maximum === null || value <= one.maximum);
}

function judge(row, verdict, one, value) {
  const good = isGood(one, value);
  row.classList.toggle("is-good", good === true);
  row.classList.toggle("is-bad", good === false);
  verdict.replaceChildren(
    ...(good === false ? [icon("warn"), t(one.kind === "number" ? "outside_limits" : "finding")] : []),
  );
  if (good === false) buzz("warn");
}

export function choiceRow(one, answers, answer) {
  const words = { yes_no: ["yes", "no"], pass_fail: ["pass", "fail"] }[one.kind];
  const options = words
    ? [
        [true, t(words[0])],
        [false, t(words[1])],
      ]
    : one.choices.map((text) => [text, text]);
  const buttons = options.map(([value, text]) => {
    const isBad = isGood(one, value) === false;
    return h(
      "button",
      {
        type: "button",
        class: `answer ${isBad ? "answer-bad" : "answer-good"}`,
        "aria-pressed": String(answers[one.id] === value),
        onclick: (event) => {
          for (const other of buttons) other.setAttribute("aria-pressed", String(other === event.currentTarget));
          buzz("hold");
          answer(value);
        },
      },
      text,
    );
  });
  return h("div", { class: `answers ${options.length > 2 ? "is-many" : ""}` }, buttons);
}

export function numberField(one, answers, answer) {
  const input = h("input", {
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    maxlength: 12,
    value: String(answers[one.id] ?? ""),
    "aria-label": nameOf(one, "text"),
    oninput: () => {
      const text = input.value.trim().replace(",", ".");
      const value = text === "" || !/^-?\d+(\.\d+)?$/.test(text) ? undefined : Number(text);
      input.setAttribute("aria-invalid", String(text !== "" && value === undefined));
      answer(value);
    },
  });
  return h(
    "div",
    { class: "number" },
    input,
    h("span", { class: "unit" }, one.unit),
    h("span", { class: "limits" }, limits(one)),
  );
}

export function limits(one) {
  if (one.minimum !== null && one.maximum !== null) return `${one.minimum} – ${one.maximum}`;
  if (one.minimum !== null) return `≥ ${one.minimum}`;
  return one.maximum !== null ? `≤ ${one.maximum}` : "";
}
