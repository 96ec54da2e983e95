// Texts of the app in the language chosen on this phone. They come with the page, so they are there without network.

const all = JSON.parse(document.getElementById("words").textContent);
const LOCALES = { zh: "zh-CN", en: "en-GB" };

let chosen = localStorage.getItem("gengfu.language") ?? "";

export const languages = Object.keys(all);
export const language = () => (chosen in all ? chosen : "zh");
export const locale = () => LOCALES[language()] ?? "zh-CN";
export const wasChosen = () => chosen in all;

export function speak(code) {
  chosen = code;
  localStorage.setItem("gengfu.language", code);
  document.documentElement.lang = locale();
}

/** The text of a key, with `%(name)s` replaced. */
export function t(key, values = {}) {
  const text = all[language()][key] ?? key;
  return text.replace(/%\((\w+)\)s/g, (_, name) => String(values[name] ?? ""));
}

/** A thing's name in the chosen language. */
export const nameOf = (thing, field = "name") => (language() === "en" && thing[`${field}_en`]) || thing[field] || "";

document.documentElement.lang = locale();
