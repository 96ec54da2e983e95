// An order's pictures and its acceptance signature.

import { small } from "./phone/shrink.js";

const body = document.body;
const headers = () => JSON.parse(body.getAttribute("hx-headers") ?? "{}");

// --- pictures -----------------------------------------------------------------------------------------------------

function say(text) {
  const note = document.createElement("p");
  note.className = "toast toast-bad";
  note.textContent = text;
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), 8000);
}

const randomId = () =>
  [...crypto.getRandomValues(new Uint8Array(12))].map((one) => one.toString(16).padStart(2, "0")).join("");

async function send(input) {
  const { picture, order, failed } = input.dataset;
  let sentence = failed;
  try {
    const blob = await small(input.files[0]);
    const address = `/api/v1/work-orders/${order}/pictures/${randomId()}?kind=${picture}`;
    const answer = await fetch(address, {
      method: "POST",
      body: blob,
      headers: { ...headers(), "Content-Type": "image/jpeg", Accept: "application/json" },
    });
    if (answer.ok) {
      htmx.trigger(body, "gengfu:orders");
      return;
    }
    const problem = await answer.json();
    sentence = problem.sentence || problem.detail || failed;
  } catch {
    // No picture, or no connection: the general sentence has to do.
  }
  say(sentence);
}

body.addEventListener("change", (event) => {
  const input = event.target.closest("input[data-picture]");
  if (!input?.files.length) return;
  send(input).finally(() => {
    input.value = "";
  });
});

// --- signature ----------------------------------------------------------------------------------------------------

function clear(canvas) {
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
}

function pad(canvas) {
  const field = canvas.form ?? canvas.closest("form");
  const hidden = field.querySelector("input[name=signature]");
  const pen = canvas.getContext("2d");
  clear(canvas);
  pen.lineWidth = 3;
  pen.lineCap = "round";
  pen.lineJoin = "round";
  pen.strokeStyle = "#000";
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * canvas.width) / box.width,
      ((event.clientY - box.top) * canvas.height) / box.height,
    ];
  };
  let drawing = false;
  canvas.addEventListener("pointerdown", (event) => {
    drawing = true;
    canvas.setPointerCapture(event.pointerId);
    const [x, y] = at(event);
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x + 0.1, y);
    pen.stroke();
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    pen.lineTo(...at(event));
    pen.stroke();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (!drawing) return;
      drawing = false;
      hidden.value = canvas.toDataURL("image/jpeg", 0.85);
    });
  }
  field.querySelector("[data-signature-clear]").addEventListener("click", () => {
    clear(canvas);
    hidden.value = "";
  });
}

body.addEventListener("htmx:afterSwap", (event) => {
  for (const canvas of event.target.querySelectorAll?.("canvas[data-signature]") ?? []) pad(canvas);
});
