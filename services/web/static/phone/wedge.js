// Keyboard wedges: readers that type a tag's number and Enter. No person types as fast; that tells them apart.

const GAP_MS = 50;
const NUMBER = /^[0-9A-F,:-]{4,40}$/i;
const SILENT = ["Shift", "CapsLock"];

let typed = ""; // the keys since the last pause
let lastMs = -Infinity;
let field = null; // where they went, and what was there before: {box, value}

/** Listen to the keyboard. `onRead(text)` for what a reader typed; what a person types is left alone. */
export function listen(onRead) {
  document.addEventListener("keydown", (event) => heard(event, onRead), { capture: true });
}

function heard(event, onRead) {
  if (event.timeStamp - lastMs >= GAP_MS || event.repeat) begin();
  lastMs = event.timeStamp;
  if (SILENT.includes(event.key)) return;
  if (event.key !== "Enter") {
    typed += event.key.length === 1 ? event.key : " "; // any other key, Tab or an arrow, spoils a number
    return;
  }
  const text = typed;
  if (NUMBER.test(text)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    takeBack();
    onRead(text);
  }
  begin();
}

function begin() {
  const box = document.activeElement;
  typed = "";
  field = box?.matches("input, textarea") ? { box, value: box.value } : null;
}

/** The number is no text: the field holds again what it held before. */
function takeBack() {
  if (!field) return;
  field.box.value = field.value;
  field.box.dispatchEvent(new Event("input", { bubbles: true }));
}
