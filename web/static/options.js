/** What the visitor wants: size, model, format, quality. It applies to every picture that begins afterwards. */

import { key } from "./key.js";
import { onLanguage, t } from "./messages.js";
import { request } from "./service.js";

const part = (id) => document.getElementById(id);
const [size, width, model, format, quality] = ["size", "width", "model", "format", "quality"].map(part);
const WITH_QUALITY = new Set(quality.dataset.formats.split(" "));
const HAS_MODELS = "hasModels" in document.body.dataset;
const NEEDS_KEY = "needsKey" in document.body.dataset;

let models = []; // of the service, if there are several
let isAsked = false;
let exact = width.value;

/** The options as parameters of a request. What is as usual is left out. */
export function chosen() {
  const sizes = size.value === "" ? { width: exact } : size.value === "2" ? {} : { scale: size.value };
  const named = model.value ? { model: model.value } : {};
  return { ...sizes, ...named, ...saved() };
}

/** The options that only decide how a result is saved. */
export function saved() {
  const at = hasQuality() && quality.value ? { quality: quality.value } : {};
  return format.value ? { format: format.value, ...at } : at;
}

/**
 * What identifies a file of a result, among those of all formats and qualities: by default, those that are chosen.
 *
 * @param {string} name of the format
 * @param {string=} at the quality, if the format has one
 */
export function fileKey(name = format.value, at = quality.value) {
  return `${name} ${WITH_QUALITY.has(name) ? at : ""}`;
}

/** What the menus of format and quality show; "" is the picture's format, and the usual quality. */
export function menus() {
  return { format: format.value, quality: quality.value };
}

/** Have the menus of format and quality show this; see `menus`. */
export function setMenus(values) {
  [format.value, quality.value] = [values.format, values.quality];
  showFitting();
}

/** Call `listener` when another format or quality is chosen. */
export function onSaving(listener) {
  format.addEventListener("change", listener);
  quality.addEventListener("change", listener);
}

/** Show the options that a visitor can use: only some formats have a quality, few services several models. */
export function showFitting() {
  part("quality-label").hidden = part("format-label").hidden || !hasQuality();
  part("model-label").hidden = part("size-label").hidden || !models.length;
}

function hasQuality() {
  return format.value === "" || WITH_QUALITY.has(format.value);
}

/** Ask for the models, if there are several; once, and not before there is a key, where one is needed. */
export async function loadModels() {
  if (!HAS_MODELS || isAsked || (NEEDS_KEY && !key())) return;
  isAsked = true;
  try {
    models = await (await request("models")).json();
  } catch {
    return; // then the service uses its default
  }
  listModels();
  showFitting();
}

function listModels() {
  const before = model.value;
  model.replaceChildren(...models.map(({ name, kind, default: isDefault }) => {
    const words = kind ? `${name} (${t(`kind-${kind}`)})` : name;
    return new Option(words, isDefault ? "" : name);
  }));
  model.value = before;
}

size.addEventListener("change", () => {
  width.hidden = size.value !== "";
  if (!width.hidden) width.select();
});
width.addEventListener("change", () => {
  if (width.checkValidity() && width.value) exact = width.value;
  else width.value = exact;
});
format.addEventListener("change", showFitting);
onLanguage(listModels);
