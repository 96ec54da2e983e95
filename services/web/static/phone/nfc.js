// Web NFC: Chrome on Android, only while the page is visible. A tag gives its serial number and perhaps an address.

const QUIET_MS = 2_500; // a tag that is held still is read again and again

export const isSupported = () => "NDEFReader" in window;

let reading = null;
let failures = 0;
let last = { tag: "", at: 0 };

export const state = { on: false, problem: "" };

/** Whether scanning may start without asking. */
export async function isAllowed() {
  try {
    return (await navigator.permissions.query({ name: "nfc" })).state === "granted";
  } catch {
    return false;
  }
}

/** Start to listen. `onTap({tag, url})` for a tag that was read, `onFailure()` for one that was not. */
export async function start(onTap, onFailure) {
  if (!isSupported() || state.on) return state.on;
  reading = new AbortController();
  const reader = new NDEFReader();
  reader.onreading = (event) => {
    const read = { tag: event.serialNumber, url: addressIn(event.message) };
    if (!isHeldOn(read.tag) && (read.tag || read.url)) onTap(read);
  };
  reader.onreadingerror = () => {
    failures += 1;
    onFailure();
  };
  try {
    await reader.scan({ signal: reading.signal });
    state.on = true;
    state.problem = "";
  } catch (error) {
    state.problem =
      error.name === "NotAllowedError" ? "denied" : error.name === "NotReadableError" ? "off" : "unavailable";
  }
  return state.on;
}

/** Whether this read is still the tag of the read before. */
export function isHeldOn(tag) {
  const same = tag && tag === last.tag && performance.now() - last.at < QUIET_MS;
  last = { tag, at: performance.now() };
  return same;
}

/** How often reading failed since it was last asked: worn tags show by it. */
export function takeFailures() {
  const count = failures;
  failures = 0;
  return count;
}

function addressIn(message) {
  for (const record of message?.records ?? []) {
    if (record.recordType !== "url" && record.recordType !== "absolute-url") continue;
    try {
      return new TextDecoder().decode(record.data).slice(0, 1024);
    } catch {
      return "";
    }
  }
  return "";
}
