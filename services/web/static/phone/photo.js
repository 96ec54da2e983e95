// Pictures: taken with the phone's camera, made small, kept in the queue, shown as small previews.

import { randomId } from "./clock.js";
import { addPhoto } from "./queue.js";
import { h, icon, toast } from "./ui.js";
import { t } from "./words.js";

const SIDE = 1280;
const MAX_BYTES = 880 * 1024;
const MOST = 6;

/** A JPEG of at most 1280 pixels and 880 KiB; drawing it anew also drops place and device from its data. */
async function small(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  for (const quality of [0.82, 0.7, 0.55, 0.4]) {
    const blob = await new Promise((resolve) => {
      canvas.toBlob(resolve, "image/jpeg", quality);
    });
    if (blob && blob.size <= MAX_BYTES) return blob;
  }
  throw new Error("too large");
}

/** A row of previews with a camera button; `ids` is filled with what was taken. */
export function photoRow(ids) {
  const input = h("input", {
    type: "file",
    accept: "image/*",
    capture: "environment",
    class: "sr-only",
    "aria-label": t("photo_add"),
    tabindex: "-1",
  });
  const row = h("div", { class: "photos" });
  const add = h(
    "button",
    { type: "button", class: "photo-add", onclick: () => input.click() },
    icon("camera"),
    h("span", {}, t("photo_add")),
  );
  input.addEventListener("change", async () => {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    try {
      const blob = await small(file);
      const id = randomId();
      await addPhoto(id, blob);
      ids.push(id);
      const url = URL.createObjectURL(blob);
      row.insertBefore(h("img", { src: url, alt: t("photo_taken"), onload: () => URL.revokeObjectURL(url) }), add);
      add.hidden = ids.length >= MOST;
    } catch {
      toast(t("photo_failed"), "bad");
    }
  });
  row.append(add, input);
  return row;
}
