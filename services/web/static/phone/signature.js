// A signature, drawn with the finger: black on white, kept as a picture beside the photos.

import { randomId } from "./clock.js";
import { addPhoto } from "./queue.js";
import { buzz, h, icon, toast } from "./ui.js";
import { t } from "./words.js";

const WIDTH = 900;
const HEIGHT = 360;

/** A pad; `signed(id)` gets the picture's id, or null when it is wiped. */
export function signaturePad(id, signed) {
  const canvas = h("canvas", { class: "pad", width: WIDTH, height: HEIGHT, "aria-label": t("sign_here"), role: "img" });
  const hint = h("span", { class: "pad-hint", hidden: Boolean(id) }, t("sign_here"));
  const box = h("div", { class: `signature ${id ? "is-signed" : ""}` }, canvas, hint);
  const paper = canvas.getContext("2d");
  let inked = false;

  const wipe = () => {
    paper.fillStyle = "#fff";
    paper.fillRect(0, 0, WIDTH, HEIGHT);
    inked = false;
    hint.hidden = false;
    box.classList.remove("is-signed");
  };
  const at = (event) => {
    const area = canvas.getBoundingClientRect();
    return [((event.clientX - area.left) / area.width) * WIDTH, ((event.clientY - area.top) / area.height) * HEIGHT];
  };
  const draw = (event) => {
    paper.lineTo(...at(event));
    paper.stroke();
    inked = true;
  };
  const lift = async () => {
    canvas.removeEventListener("pointermove", draw);
    if (!inked) return;
    const blob = await new Promise((resolve) => {
      canvas.toBlob(resolve, "image/jpeg", 0.8);
    });
    try {
      const fresh = randomId();
      await addPhoto(fresh, blob);
      box.classList.add("is-signed");
      signed(fresh);
    } catch {
      toast(t("photo_failed"), "bad");
    }
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (hint.hidden && !inked) wipe(); // a signature of before is replaced, not drawn over
    hint.hidden = true;
    [paper.lineWidth, paper.lineCap, paper.lineJoin, paper.strokeStyle] = [6, "round", "round", "#10181c"];
    paper.beginPath();
    paper.moveTo(...at(event));
    canvas.addEventListener("pointermove", draw);
  });
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  wipe();
  hint.hidden = Boolean(id);
  box.classList.toggle("is-signed", Boolean(id));
  box.append(
    h(
      "button",
      {
        type: "button",
        class: "pad-wipe",
        "aria-label": t("sign_again"),
        onclick: () => {
          wipe();
          buzz("hold");
          signed(null);
        },
      },
      icon("erase"),
    ),
  );
  return box;
}
