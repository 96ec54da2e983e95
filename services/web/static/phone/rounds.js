// Where a round stands, from what the server said last and what this phone has tapped since. Pure.

const VISITED = new Set(["on_time", "early", "late", "out_of_order", "too_fast", "too_slow"]);

/** The stops of a round as the guard sees them: `state` is done, next, now, late, gone, wait or suspended. */
export function standing(round, taps, now) {
  const mine = assign(round, taps);
  const stops = round.stops.map((stop, index) => ({
    ...stop,
    index,
    visited_ms: stop.at_ms ?? mine.get(index) ?? null,
  }));
  for (const stop of stops) stop.state = stateOf(stop, now);
  const next = stops.find((stop) => ["now", "late", "wait"].includes(stop.state)) ?? null;
  const counted = stops.filter((stop) => stop.state !== "suspended");
  const done = counted.filter((stop) => stop.state === "done").length;
  return { stops, next, done, total: counted.length, complete: counted.length > 0 && done === counted.length };
}

function stateOf(stop, now) {
  if (stop.suspended) return "suspended";
  if (VISITED.has(stop.verdict) || stop.visited_ms !== null) return "done";
  if (now > stop.late_until_ms) return "gone";
  if (now > stop.on_time_until_ms) return "late";
  return now >= Math.max(stop.on_time_from_ms, stop.not_before_ms ?? 0) ? "now" : "wait";
}

/** Which of this phone's taps fills which stop: each at most one, in order of time. */
function assign(round, taps) {
  const filled = new Map();
  for (const tap of taps) {
    const stop = round.stops.findIndex(
      (one, index) =>
        one.checkpoint === tap.checkpoint &&
        !filled.has(index) &&
        one.at_ms === null &&
        tap.at_ms >= one.early_from_ms &&
        tap.at_ms <= one.late_until_ms,
    );
    if (stop >= 0) filled.set(stop, tap.at_ms);
  }
  return filled;
}

/** What to say of a tap that is about to be added: its kind, and the stop it fills. */
export function remark(round, taps, checkpoint, now) {
  if (!checkpoint) return { kind: "unknown" };
  if (!round) return { kind: "free" };
  const before = standing(round, taps, now);
  const open = before.stops.filter((stop) => stop.checkpoint === checkpoint && stop.state !== "suspended");
  if (!open.length) return { kind: "extra" };
  const stop = open.find((one) => one.state !== "done");
  if (!stop) return { kind: "again" };
  if (now < stop.early_from_ms || now > stop.late_until_ms) return { kind: "outside", stop };
  if (round.order === "ordered" && before.next && before.next.index < stop.index) {
    return { kind: "order", stop, expected: before.next };
  }
  if (stop.state === "late") return { kind: "late", stop, by_ms: now - stop.on_time_until_ms };
  if (stop.state === "wait")
    return { kind: "early", stop, by_ms: Math.max(stop.on_time_from_ms, stop.not_before_ms ?? 0) - now };
  return { kind: "ok", stop };
}

export const isOpen = (round, now) => round.opens_ms <= now && now <= round.closes_ms;

/** The guard's rounds worth showing: running, of the last hours, of the next day; his own first where times are equal. */
export function relevant(rounds, now, hours = 16) {
  const span = hours * 3_600_000;
  return rounds
    .filter((round) => round.mine && round.closes_ms > now - span / 4 && round.starts_ms < now + span)
    .sort((a, b) => a.starts_ms - b.starts_ms || a.name.localeCompare(b.name));
}

/** The round to offer: the open one that started last, else the next to come. */
export function offered(rounds, taps, now) {
  const mine = relevant(rounds, now).filter((round) => !standing(round, taps, now).complete);
  const open = mine.filter((round) => isOpen(round, now));
  return (
    open.findLast((round) => round.starts_ms <= now) ?? open[0] ?? mine.find((round) => round.starts_ms > now) ?? null
  );
}
