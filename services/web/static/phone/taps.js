// A tap, from the antenna to the queue: kept first, then shown, then sent.

import * as clock from "./clock.js";
import { openChecklist } from "./checklist.js";
import { keep, recall } from "./db.js";
import * as nfc from "./nfc.js";
import * as queue from "./queue.js";
import { remark } from "./rounds.js";
import { activeRound, by, changed, firesAt, recognise, refresh, state } from "./state.js";
import * as sync from "./sync.js";
import { clockTime, closeSheet, flash, minutes } from "./ui.js";
import { opened } from "./ui_checks.js";
import { nameOf, t } from "./words.js";

/** `read` is what was read: {tag, url} by NFC or a wedge, {code, entered} by hand, {checkpoint} in a demonstration. */
export async function tap(read) {
  if (await opened(read)) return;
  const now = clock.now();
  const round = activeRound();
  const place = await recognise(read);
  const said = remark(round, state.taps, place?.id ?? null, now);
  await closeHeld();
  // Who arrives at a fire is not asked about the lighting: this tap leaves at once.
  const isArrival = firesAt(place?.id).length > 0;
  const asks = Boolean(place?.questions.length) && said.kind !== "again" && !isArrival;
  const data = {
    entered: "nfc",
    ...read,
    round: round?.id ?? "",
    retries: nfc.takeFailures(),
    kit: await kitOf(round),
    held: asks,
  };
  let item;
  try {
    item = await queue.add("tap", by(), data, { checkpoint: place?.id ?? null, at_ms: now });
  } catch {
    flash("bad", t("not_saved"), t("not_saved_hint"), { ms: 5000 });
    return;
  }
  show(place, isArrival ? { kind: "arrival" } : said, now, asks);
  await refresh();
  changed();
  if (place) document.dispatchEvent(new CustomEvent("gengfu:place", { detail: place.id }));
  if (asks) openChecklist(item, place, done);
  else sync.soon();
}

function show(place, said, now, asks) {
  const title = place ? nameOf(place) : t("tag_unknown");
  const calm = ["ok", "free", "again", "arrival"].includes(said.kind);
  const words = {
    ok: t("tap_ok"),
    free: t("tap_free"),
    again: t("tap_again"),
    unknown: t("tap_unknown"),
    arrival: t("fire_is_here"),
    extra: t("tap_extra"),
    outside: t("tap_outside"),
    order: said.expected && t("tap_order", { name: nameOf(placeOf(said.expected.checkpoint)) }),
    late: said.by_ms && t("tap_late", { by: minutes(said.by_ms) }),
    early: said.by_ms && t("tap_early", { by: minutes(said.by_ms) }),
  };
  const ms = asks ? 900 : calm ? 1600 : 3200;
  flash(calm ? "ok" : "warn", title, words[said.kind], { label: `${t("recorded")} ${clockTime(now)}`, ms });
}

const placeOf = (id) => state.briefing?.checkpoints.find((one) => one.id === id) ?? { name: id };

/** What a keyboard wedge typed: a tag as by NFC, unless it is a printed code that a scanner read. */
export async function typedTap(text) {
  if (!state.briefing || nfc.isHeldOn(text)) return;
  const isCode = !(await recognise({ tag: text })) && (await recognise({ code: text }));
  await tap(isCode ? { code: text, entered: "scanned" } : { tag: text, url: "" });
}

/** The tag could not be read: the guard holds it on again, and the server learns how often. */
export function failed() {
  flash("warn", t("read_failed"), t("read_failed_hint"), { ms: 1800 });
}

async function done() {
  await refresh();
  changed();
  sync.soon();
}

/** A checklist left open by the tap before: what was answered goes with it. */
async function closeHeld() {
  const held = await queue.held();
  if (!held) return;
  closeSheet();
  await queue.finish(held.seq, {});
}

/** What the guard carries, sent once with the first tap of the round. */
async function kitOf(round) {
  if (!round) return {};
  const kit = await recall(`kit.${round.id}`);
  if (!kit) return {};
  await keep(`kit.${round.id}`, null);
  return kit;
}

/** After a reload: the checklist of the last tap opens again where it was. */
export async function resume() {
  const held = await queue.held();
  if (!held) return;
  const place = await recognise(held);
  const isOld = Date.now() - held.wall_ms > queue.HELD_MS;
  if (!place || isOld) await queue.finish(held.seq, {});
  else openChecklist(held, place, done);
}
