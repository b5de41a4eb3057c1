/** The page's words, in the visitor's language. Each language is a file below messages/, with the same keys. */

import english from "./messages/en.js";

const LANGUAGES = ["en", "de", "zh", "es"];
const STORE = "language";
// What the page's own words may name without being told.
const { jobsKeep, keepMinutes, formats } = document.body.dataset;
const known = { hours: jobsKeep, minutes: keepMinutes, formats };

const chooser = document.getElementById("language");
const listeners = [];
let words = english;

/** The language's tag. */
export let language = "en";

/**
 * The text of a message.
 *
 * @param {string} key
 * @param {Object<string, string | number>} values of its placeholders; `count` also decides between one and many
 */
export function t(key, values = {}) {
  const message = words[key];
  const text = typeof message === "string" ? message : (message[form(values.count)] ?? message.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => readable(values[name] ?? known[name]));
}

/** Whether there is a message with this key. */
export function has(key) {
  return Object.hasOwn(words, key);
}

/** Call `listener` now, and whenever the visitor chooses another language. */
export function onLanguage(listener) {
  listeners.push(listener);
  listener();
}

/** Give a placeholder of the template's messages its value. */
export function define(name, value) {
  known[name] = value;
}

function form(count) {
  return new Intl.PluralRules(language).select(count);
}

function readable(value) {
  return typeof value === "number" ? new Intl.NumberFormat(language).format(value) : value;
}

/** The language that the visitor has chosen here, or the first one that the browser asks for; English if there is none. */
function preferred() {
  let stored = null;
  try {
    stored = localStorage.getItem(STORE);
  } catch {
    // The browser keeps nothing.
  }
  const wanted = [stored, ...navigator.languages].filter(Boolean).map((tag) => tag.split("-")[0]);
  return wanted.find((tag) => LANGUAGES.includes(tag)) ?? "en";
}

async function load(tag) {
  try {
    words = tag === "en" ? english : (await import(`./messages/${tag}.js`)).default;
    language = tag;
  } catch {
    // The service can't be reached: the words stay as they are.
  }
  document.documentElement.lang = language;
  chooser.value = language;
}

/** Put the words into what the template has written. */
export function translate() {
  for (const element of document.querySelectorAll("[data-message]")) element.textContent = t(element.dataset.message);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
}

chooser.addEventListener("change", async () => {
  await load(chooser.value);
  try {
    localStorage.setItem(STORE, language);
  } catch {
    // It holds for this visit.
  }
  for (const listener of listeners) listener();
});

// English is here already: then nothing waits, and the page listens as soon as it is loaded.
if (preferred() !== "en") await load(preferred());
else chooser.value = "en"; // whatever the browser remembers of the form
