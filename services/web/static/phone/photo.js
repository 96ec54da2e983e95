// Pictures: taken with the phone's camera, made small, kept in the queue, shown as small previews.

import { randomId } from "./clock.js";
import { addPhoto, photo } from "./queue.js";
import { small } from "./shrink.js";
import { h, icon, toast } from "./ui.js";
import { t } from "./words.js";

const MOST = 6;

/** A row of previews with a camera button; `ids` is filled with what was taken, `taken` told of it. */
export function photoRow(ids, taken = () => {}) {
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
      row.insertBefore(preview(blob), add);
      add.hidden = ids.length >= MOST;
      taken();
    } catch {
      toast(t("photo_failed"), "bad");
    }
  });
  row.append(add, input);
  add.hidden = ids.length >= MOST;
  for (const id of ids) photo(id).then((blob) => row.insertBefore(blob ? preview(blob) : sentTile(), add));
  return row;
}

function preview(blob) {
  const url = URL.createObjectURL(blob);
  return h("img", { src: url, alt: t("photo_taken"), onload: () => URL.revokeObjectURL(url) });
}

/** A picture that has left the phone already. */
const sentTile = () => h("span", { class: "photo-sent", role: "img", "aria-label": t("photo_taken") }, icon("check"));
