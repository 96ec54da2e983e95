// What the console does by itself in the browser: clocks, live updates, dialogs, announcements.
// Fetching and swapping is htmx's work; this file only tells it when.

const body = document.body;
const words = body.dataset;
const skew = Date.parse(words.now) - Date.now(); // the server's clock decides what is overdue
const now = () => Date.now() + skew;

// --- clocks -------------------------------------------------------------------------------------------------------

const two = (n) => String(n).padStart(2, "0");

// The same text as services.web.templating.countdown.
function countdown(ms) {
  const total = Math.abs(Math.trunc(ms / 1000));
  const days = Math.floor(total / 86400);
  const hours = Math.floor(total / 3600) % 24;
  const minutes = Math.floor(total / 60) % 60;
  if (days) return `${days}d ${two(hours)}:${two(minutes)}`;
  return hours ? `${hours}:${two(minutes)}:${two(total % 60)}` : `${two(minutes)}:${two(total % 60)}`;
}

function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function tickClock(clock) {
  const due = Date.parse(clock.dataset.due);
  const left = due - now();
  setText(clock.querySelector(".clock-left"), countdown(left));
  if (!clock.dataset.start) return;
  const urgency = left <= 0 ? "overdue" : left * 4 < due - Date.parse(clock.dataset.start) ? "soon" : "calm";
  for (const name of ["calm", "soon", "overdue"]) clock.classList.toggle(`is-${name}`, name === urgency);
  setText(clock.querySelector(".clock-over"), urgency === "overdue" ? words.overdue : "");
}

const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function tickAgo(element) {
  const time = element.closest("time");
  if (!time) return;
  const seconds = (Date.parse(time.dateTime) - now()) / 1000;
  if (Math.abs(seconds) < 1) {
    setText(element, words.justNow);
    return;
  }
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length * 1.1) ?? units[3];
  setText(element, relative.format(Math.round(seconds / size), unit));
}

function tick() {
  document.querySelectorAll(".clock[data-due]").forEach(tickClock);
  document.querySelectorAll("[data-ago]").forEach(tickAgo);
}

setInterval(tick, 1000);

// --- new alarms ---------------------------------------------------------------------------------------------------

const title = document.title;
const freshFor = 4000;
const arrivals = new Map(); // a list may be fetched again while its newest line still glows
let known = null;

function lookAtAlarms() {
  const list = document.querySelector("[data-alarms] .alarms");
  if (!list) return;
  const rows = [...list.querySelectorAll("[data-alarm]")];
  const fresh = known ? rows.filter((row) => row.classList.contains("is-unseen") && !known.has(row.dataset.alarm)) : [];
  for (const row of fresh) arrivals.set(row.dataset.alarm, Date.now());
  for (const row of rows) row.classList.toggle("is-new", Date.now() - (arrivals.get(row.dataset.alarm) ?? 0) < freshFor);
  if (fresh.length) {
    document.getElementById("announce").textContent = fresh.map((row) => `${words.newAlarm}. ${row.dataset.title}`).join(". ");
  }
  known = new Set(rows.map((row) => row.dataset.alarm));
  const unseen = Number(list.dataset.unseen);
  document.title = unseen ? `(${unseen}) ${title}` : title;
}

// --- dialogs, toasts ----------------------------------------------------------------------------------------------

const dialog = document.getElementById("dialog");

function toast(text, kind) {
  const note = document.createElement("p");
  note.className = `toast toast-${kind}`;
  note.textContent = text;
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), 8000);
}

function refused(event) {
  const request = event.detail.xhr;
  if (request.status === 401) {
    location.assign("/sign-in");
    return;
  }
  let sentence = words.failed;
  try {
    const problem = JSON.parse(request.responseText);
    sentence = problem.sentence || problem.detail || sentence;
  } catch {
    // Not one of our problem documents: the general sentence has to do.
  }
  const place = dialog.open ? dialog.querySelector(".form-error") : null;
  if (place) place.textContent = sentence;
  else toast(sentence, "bad");
  if (request.status === 409) htmx.trigger(body, "gengfu:refresh");
}

// Fetched by the clock, not by an event: the safety net under the live updates.
const isPoll = (event) => !event.detail.requestConfig?.triggeringEvent;
const lastShown = new WeakMap();

// A list as it would look if time stood still.
const still = (html) =>
  html
    .replace(/(data-ago|class="clock-left[^"]*"|class="clock-over")>[^<]*/g, "$1")
    .replace(/class="clock is-(calm|soon|overdue)"/g, "");

// What nobody would notice must not be swapped: a click, a selection or a dialog on top of it would be.
body.addEventListener("htmx:beforeSwap", (event) => {
  if (!event.target.matches?.("[data-still]") || event.detail.isError) return;
  const text = still(event.detail.serverResponse);
  const unchanged = lastShown.get(event.target) === text;
  if (unchanged || (isPoll(event) && dialog.open)) event.detail.shouldSwap = false;
  else lastShown.set(event.target, text);
});

body.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "dialog-body") {
    if (!dialog.open) dialog.showModal();
    // What has no good default: the words, else a choice.
    const wanted = ["textarea[required]", "select", "input:checked", "textarea", "button"];
    wanted.map((one) => dialog.querySelector(one)).find(Boolean)?.focus();
  }
  lookAtAlarms();
  tick();
});
body.addEventListener("htmx:responseError", refused);
body.addEventListener("htmx:sendError", (event) => {
  // That a page's own fetching fails is what «connection lost» says already.
  if (!isPoll(event)) toast(words.failed, "bad");
});
body.addEventListener("gengfu:close", () => dialog.open && dialog.close());
body.addEventListener("gengfu:commented", () => {
  for (const form of document.querySelectorAll("form.comment")) form.reset();
});
body.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]") || event.target === dialog) dialog.close();
  if (event.target.closest("[data-print]")) print();
  const copies = event.target.closest("[data-copy]");
  if (copies) copy(document.getElementById(copies.dataset.copy), copies);
  for (const menu of document.querySelectorAll("#user-menu, .rail-more")) {
    if (menu.open && !menu.contains(event.target)) menu.open = false;
  }
});
// Somebody who is writing a comment must not lose it because the page fetches its history again.
body.addEventListener("htmx:beforeSwap", (event) => {
  const typed = event.target.querySelector?.("form.comment textarea");
  if (!typed || !typed.value || event.detail.isError) return;
  const { value, selectionEnd } = typed;
  const focused = document.activeElement === typed;
  event.target.addEventListener("htmx:afterSwap", () => {
    const again = document.getElementById(typed.id);
    if (!again) return;
    again.value = value;
    if (focused) {
      again.focus();
      again.setSelectionRange(selectionEnd, selectionEnd);
    }
  }, { once: true });
});

// The clipboard's own interface is there only over HTTPS; a selection that is copied works everywhere.
function copy(source, button) {
  const range = document.createRange();
  range.selectNodeContents(source);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
  if (document.execCommand("copy")) toast(button.dataset.copied, "good");
  else if (navigator.clipboard) navigator.clipboard.writeText(source.textContent).then(() => toast(button.dataset.copied, "good"));
}

// --- live ---------------------------------------------------------------------------------------------------------

let lost = false;

function listen(address) {
  const stream = new EventSource(address);
  stream.addEventListener("hello", () => {
    body.dataset.live = "on";
    if (!lost) return;
    lost = false;
    toast(words.online, "good");
    // Whatever happened while nobody listened.
    for (const list of ["alerts", "orders", "messages", "quarantine", "maintenance", "patrol", "fire"]) htmx.trigger(body, `gengfu:${list}`);
  });
  stream.addEventListener("changed", (event) => {
    for (const list of JSON.parse(event.data)) htmx.trigger(body, `gengfu:${list}`);
    htmx.trigger(body, "gengfu:system");
  });
  stream.addEventListener("signed-out", () => location.assign("/sign-in"));
  stream.addEventListener("error", () => {
    body.dataset.live = "off";
    if (!lost) toast(words.offline, "bad");
    lost = true;
    // Browsers give up after an error status; try again ourselves.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => listen(address), 3000);
  });
  // Leaving a page ends its stream; that is no lost connection.
  addEventListener("pagehide", () => stream.close());
}

body.addEventListener("change", (event) => event.target.closest("form[data-auto]")?.requestSubmit());

lookAtAlarms();
tick();
if (words.events) listen(words.events);
