// What is to be inspected: kept for no network; what was just done is gone before the server has heard of it.

import { keep, recall } from "./db.js";
import * as deliver from "./deliver.js";
import * as queue from "./queue.js";

const EMPTY = { on: false, version: "", equipment: [], checklists: [], plans: [] };

export const upkeep = { ...EMPTY };

let owner = ""; // whom it was told
let done = {}; // task → when it was done here

export async function load(user) {
  const kept = await recall("upkeep");
  owner = user;
  Object.assign(upkeep, EMPTY, kept?.by === user ? kept.data : {});
  done = await recall("upkeep.done", {});
}

/** Ask for what changed since. Fails like `deliver` does. */
export async function update(user) {
  if (owner !== user) await load(user);
  const inspected = (await queue.kinds("inspection")).map((item) => item.task);
  const found = await deliver.upkeep(upkeep.version);
  if (found) {
    Object.assign(upkeep, found);
    await keep("upkeep", { by: user, data: found });
  }
  // What the server still shows after it has heard all of it is not done.
  done = Object.fromEntries(Object.entries(done).filter(([task]) => inspected.includes(task)));
  await keep("upkeep.done", done);
}

/** An inspection was finished here: its task is done, its numbers are the last ones. */
export async function note(equipment, checklist, task, answers, nowMs) {
  if (task) done[task.id] = nowMs;
  for (const item of checklist.items) {
    if (item.kind === "number" && answers[item.id] !== undefined) equipment.last[item.id] = [answers[item.id], nowMs];
  }
  await keep("upkeep.done", done);
}

/** Something was done here that the server has heard of by now: worth asking what is left. */
export const isAnswered = async () =>
  Object.keys(done).length > 0 && !(await queue.kinds("inspection")).length;

/** What a task is called, and when its work may begin. */
export const planOf = (task) =>
  upkeep.plans.find((one) => one.id === task.plan) ?? { name: task.plan, name_en: "", window: [] };

export const checklistOf = (id) => upkeep.checklists.find((one) => one.id === id) ?? null;
export const equipmentOf = (id) => upkeep.equipment.find((one) => one.id === id) ?? null;

/** The tasks of an entry that are open at `nowMs` and not done here, the earliest due first. */
export const dueOf = (equipment, nowMs) =>
  equipment.tasks.filter((task) => !done[task.id] && task.opens_ms <= nowMs).sort((a, b) => a.due_ms - b.due_ms);

export const isOverdue = (task, nowMs) => task.due_ms <= nowMs;

/** Places with what is due there: overdue places first, then the earliest due. `place` shows one place only. */
export function places(nowMs, { text = "", checkpoint = null } = {}) {
  const groups = new Map();
  for (const equipment of upkeep.equipment) {
    const tasks = dueOf(equipment, nowMs);
    const isWanted = text ? matches(equipment, text) : tasks.length > 0;
    if (!isWanted || (checkpoint && !equipment.checkpoints.includes(checkpoint))) continue;
    const group = groups.get(equipment.area) ?? { area: equipment.area, area_en: equipment.area_en, rows: [] };
    if (!group.rows.length) groups.set(equipment.area, group);
    group.rows.push({ equipment, tasks });
  }
  for (const group of groups.values()) {
    const tasks = group.rows.flatMap((row) => row.tasks);
    group.count = tasks.length;
    group.overdue = tasks.filter((task) => isOverdue(task, nowMs)).length;
    group.due_ms = Math.min(...tasks.map((task) => task.due_ms));
    group.rows.sort((a, b) => first(a) - first(b) || a.equipment.name.localeCompare(b.equipment.name));
  }
  return [...groups.values()].sort(
    (a, b) => (b.overdue > 0) - (a.overdue > 0) || a.due_ms - b.due_ms || a.area.localeCompare(b.area),
  );
}

const first = (row) => row.tasks[0]?.due_ms ?? Infinity;

function matches(equipment, text) {
  const words = `${equipment.name} ${equipment.name_en} ${equipment.eid} ${equipment.area} ${equipment.area_en} ${equipment.place}`;
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => words.toLowerCase().includes(word));
}

/** Whether work may not begin now: the task has a window of the day, and `clockText` (HH:MM) is outside it. */
export function isOutside(task, clockText) {
  const window = task ? planOf(task).window : [];
  if (!window.length) return false;
  const [from, until] = window.map((one) => one.slice(0, 5));
  return from <= until ? clockText < from || clockText >= until : clockText < from && clockText >= until;
}
