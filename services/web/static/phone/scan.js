// The fallback: the code printed beside a tag, read by the camera where the browser can, else typed. Marked as such.

import { button, buzz, closeSheet, h, openSheet, toast } from "./ui.js";
import { t } from "./words.js";

const CODE = /[A-Z0-9-]{4,32}/;
const LOOK_MS = 150;

const canScan = () => "BarcodeDetector" in window && Boolean(navigator.mediaDevices?.getUserMedia);

/** Ask for a code; `tap` gets {code, entered: scanned|typed}. `words`: what it says for other codes than those of tags. */
export function offerCode(tap, words = {}) {
  let camera = null;
  const video = h("video", { class: "viewfinder", playsInline: true, muted: true, hidden: true });
  const input = h("input", {
    class: "code-input",
    type: "text",
    autocapitalize: "characters",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: 32,
    placeholder: words.sample ?? "A1B2-01",
    "aria-label": t("code"),
    enterkeyhint: "go",
    oninput: () => {
      input.value = input.value.toUpperCase().replace(/[^A-Z0-9,:-]/g, "");
    },
    onkeydown: (event) => {
      if (event.key === "Enter") typed();
    },
  });
  const found = (code, entered) => {
    buzz("ok");
    closeSheet();
    tap({ code, entered });
  };
  const typed = () => {
    const code = input.value.trim();
    if (CODE.test(code)) found(code, "typed");
    else toast(t("code_short"), "warn");
  };
  const scan = async () => {
    camera = await look(video, (code) => found(code, "scanned")).catch(() => null);
    if (!camera) toast(t("camera_denied"), "bad");
  };
  openSheet(
    t("enter_code"),
    [
      (canScan() || !words.hint) && h("p", { class: "notice" }, words.hint ?? t("code_marked")),
      video,
      canScan() && button("button-quiet button-wide", t("scan"), scan, { symbol: "camera" }),
      h("label", { class: "field" }, h("span", {}, words.typed ?? t("code_typed")), input),
    ],
    [button("button-main button-wide", words.act ?? t("record_code"), typed, { symbol: "check" })],
    { closed: () => camera?.() },
  );
  if (!canScan()) input.focus();
}

/** Look for a code in the camera's picture; returns how to stop. */
async function look(video, found) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  const detector = new BarcodeDetector();
  video.srcObject = stream;
  video.hidden = false;
  await video.play();
  let stopped = false;
  const stop = () => {
    stopped = true;
    stream.getTracks().forEach((track) => track.stop());
  };
  const step = async () => {
    if (stopped) return;
    const codes = await detector.detect(video).catch(() => []);
    const text = codes.map((one) => codeIn(one.rawValue)).find(Boolean);
    if (text && !stopped) {
      stop();
      found(text);
    } else setTimeout(step, LOOK_MS);
  };
  step();
  return stop;
}

/** The code in what a label says: the code itself, or an address that ends with it. */
function codeIn(raw) {
  const last = raw.trim().split(/[/=]/).pop().toUpperCase();
  return new RegExp(`^${CODE.source}$`).test(last) ? last : "";
}
