// Small pieces that every screen uses: elements, icons, feedback to eye, ear and hand, times.

import { locale, t } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

/** An element; `on…` properties are listeners, false and null leave an attribute out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && typeof value !== "string") element[name] = value;
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, value === true ? "" : value);
  }
  return fill(element, ...children);
}

/** Put children into an element, in place of those it has; null, false and "" are none. */
export function fill(element, ...children) {
  element.replaceChildren(
    ...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false && child !== ""),
  );
  return element;
}

export function icon(name, className = "icon") {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/phone/icons.svg#${name}`);
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

export function button(className, text, act, { symbol = null, ...props } = {}) {
  return h(
    "button",
    { type: "button", class: `button ${className}`, onclick: act, ...props },
    symbol && icon(symbol),
    h("span", {}, text),
  );
}

const byId = (id) => document.getElementById(id);

// --- feedback -----------------------------------------------------------------------------------------------------

export const BUZZ = {
  ok: [60],
  warn: [60, 60, 60],
  bad: [220, 80, 220],
  hold: [20],
  sos: [400, 120, 400, 120, 400],
  fire: [600, 150, 600, 150, 600],
};
const TONES = {
  ok: [
    [880, 0, 0.09],
    [1320, 0.1, 0.12],
  ],
  warn: [
    [660, 0, 0.12],
    [660, 0.18, 0.12],
  ],
  bad: [[220, 0, 0.35]],
  fire: [
    [960, 0, 0.25],
    [770, 0.25, 0.25],
    [960, 0.5, 0.25],
    [770, 0.75, 0.35],
  ],
  ask: [
    [990, 0, 0.2],
    [740, 0.25, 0.3],
  ],
};

let audio = null;
let sound = localStorage.getItem("gengfu.sound") !== "off";

export const hasSound = () => sound;
export function setSound(on) {
  sound = on;
  localStorage.setItem("gengfu.sound", on ? "on" : "off");
}

export function buzz(kind) {
  if (navigator.userActivation?.hasBeenActive !== false) navigator.vibrate?.(BUZZ[kind] ?? BUZZ.ok);
}

export function beep(kind) {
  if (!sound || navigator.userActivation?.hasBeenActive === false) return;
  audio ??= new AudioContext();
  for (const [frequency, at, length] of TONES[kind] ?? []) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.2, audio.currentTime + at);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + at + length);
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + at);
    tone.stop(audio.currentTime + at + length);
  }
}

let flashTimer = 0;

/** Fill the screen for a moment: kind is ok, warn or bad. A touch ends it. */
export function flash(kind, title, detail = "", { label = "", ms = 1600 } = {}) {
  const box = byId("flash");
  clearTimeout(flashTimer);
  box.className = `flash is-${kind}`;
  const symbol = { ok: "check", warn: "warn", bad: "close" }[kind];
  fill(
    box,
    h("div", { class: "flash-mark" }, icon(symbol)),
    label && h("p", { class: "flash-label" }, label),
    h("p", { class: "flash-title" }, title),
    detail && h("p", { class: "flash-detail" }, detail),
  );
  box.hidden = false;
  box.onclick = () => {
    box.hidden = true;
  };
  buzz(kind);
  beep(kind);
  flashTimer = setTimeout(() => {
    box.hidden = true;
  }, ms);
}

let toastTimer = 0;

export function toast(text, kind = "") {
  const box = byId("toast");
  clearTimeout(toastTimer);
  box.className = `toast ${kind && `is-${kind}`}`;
  box.textContent = text;
  box.hidden = false;
  toastTimer = setTimeout(() => {
    box.hidden = true;
  }, 3500);
}

// --- sheets -------------------------------------------------------------------------------------------------------

let onClose = null;

/** A sheet over everything, its actions at the bottom where the thumb is. */
export function openSheet(
  title,
  content,
  actions = [],
  { closed = null, symbol = "close", className = "", closable = true } = {},
) {
  const box = byId("sheet");
  onClose?.();
  onClose = closed;
  box.className = `sheet ${className}`;
  fill(
    box,
    h(
      "div",
      { class: "sheet-head" },
      closable &&
        h(
          "button",
          { type: "button", class: "round-button", "aria-label": t("close"), onclick: closeSheet },
          icon(symbol),
        ),
      h("h2", { id: "sheet-title", tabindex: "-1" }, title),
    ),
    h("div", { class: "sheet-body" }, content),
    actions.length > 0 && h("div", { class: "sheet-foot" }, actions),
  );
  box.setAttribute("role", "dialog");
  box.setAttribute("aria-modal", "true");
  box.setAttribute("aria-labelledby", "sheet-title");
  box.hidden = false;
  byId("sheet-title").focus({ preventScroll: true });
}

export function closeSheet() {
  const told = onClose;
  onClose = null;
  byId("sheet").hidden = true;
  byId("sheet").replaceChildren();
  told?.();
}

export const sheetIsOpen = () => !byId("sheet").hidden;

// --- times --------------------------------------------------------------------------------------------------------

let zone;
export function setZone(name) {
  zone = name;
}

export const clockTime = (ms) =>
  new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone }).format(
    ms,
  );
export const dayOf = (ms) => new Intl.DateTimeFormat("en-CA", { timeZone: zone }).format(ms);
export const shortDay = (ms) =>
  new Intl.DateTimeFormat(locale(), { month: "short", day: "numeric", timeZone: zone }).format(ms);
/** A date of the site's calendar, `2026-11-30`, in words. */
export const dateWords = (day) =>
  new Intl.DateTimeFormat(locale(), { month: "short", day: "numeric", timeZone: "UTC" }).format(new Date(day));
export const weekday = (ms) =>
  new Intl.DateTimeFormat(locale(), { month: "short", day: "numeric", weekday: "short", timeZone: zone }).format(ms);

/** `12:34`, or `1:02:03` from an hour on. */
export function countdown(ms) {
  const total = Math.abs(Math.trunc(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const two = (n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${two(minutes)}:${two(seconds)}`;
}

/** A length of time in whole minutes, at least one. */
export const minutes = (ms) => t("minutes", { count: Math.max(1, Math.round(Math.abs(ms) / 60_000)) });
