// What a fire is called: where it is, how it stands.

import * as clock from "./clock.js";
import { checkpoint, state } from "./state.js";
import { nameOf, t } from "./words.js";

/** The first thing that reported it; the building where a panel only says that there is a fire. */
export const spotName = (fire) => (fire.spots[0] ? nameOf(fire.spots[0]) : nameOf(fire, "building"));

/** Zone and building, without saying the same twice. */
export function placeWords(fire) {
  const words = [fire.spots[0] && nameOf(fire.spots[0], "zone"), nameOf(fire, "building")].filter(Boolean);
  const parts = words.filter((word, index) => !words.some((other, at) => at < index && other.includes(word)));
  if (fire.spots.length + fire.more > 1) parts.push(t("fire_signals", { count: fire.spots.length + fire.more }));
  return parts.join(" · ");
}

/** `large` also while nobody has confirmed it in time and the server has not been heard since. */
export const stageOf = (fire) =>
  fire.stage === "unconfirmed" && clock.now() > fire.confirm_by_ms ? "large" : fire.stage;

/** Where a tap proves that he is there, and how far that is from where he was last. */
export function wayWords(fire) {
  const goal = checkpoint(fire.checkpoints[0]);
  if (!goal) return [];
  const names = fire.checkpoints.map((id) => checkpoint(id)).filter(Boolean);
  const floor =
    goal.floor === null || goal.floor === undefined
      ? ""
      : goal.floor < 0
        ? t("floor_below", { floor: -goal.floor })
        : goal.floor > 0
          ? t("floor", { floor: goal.floor })
          : "";
  const words = [t("fire_tap_hint", { name: names.map((one) => nameOf(one)).join(" / ") })];
  const here = checkpoint(state.last);
  if (here && fire.checkpoints.includes(here.id)) words.push(t("fire_same_place"));
  else if (here && goal.x_m !== null && here.x_m !== null) {
    const metres = Math.hypot(goal.x_m - here.x_m, goal.y_m - here.y_m);
    words.push([t("fire_way", { metres: Math.max(5, Math.round(metres / 5) * 5) }), floor].filter(Boolean).join(" · "));
  }
  return words;
}
