// Hears at once that something about fire changed: a stream while the page is looked at; where it is cut, asking.

const ASK_MS = 8_000;

let stream = null;
let ask = async () => {};

/** `hear()` asks the server; what fails is asked again. */
export function start(hear) {
  ask = () => hear().catch(() => {});
  document.addEventListener("visibilitychange", follow);
  addEventListener("online", follow);
  setInterval(() => {
    if (document.hidden || stream?.readyState === EventSource.OPEN) return;
    follow();
    ask();
  }, ASK_MS);
  follow();
}

function follow() {
  if (document.hidden) {
    stream?.close();
    stream = null;
  } else if (!stream || stream.readyState === EventSource.CLOSED) {
    stream = new EventSource("/events");
    stream.addEventListener("hello", ask);
    stream.addEventListener("changed", (event) => {
      if (JSON.parse(event.data).includes("fire")) ask();
    });
  }
}
