/** Numbers and names in readable form, in the visitor's language. */

import { language, t } from "./messages.js";

/**
 * @param {number} count bytes
 * @param {number=} extra digits, where the usual ones say too little
 */
export function bytes(count, extra = 0) {
  if (count < 1000) return t("bytes", { count });
  const [size, unit] = count < 1e6 ? [count / 1e3, "KB"] : count < 1e9 ? [count / 1e6, "MB"] : [count / 1e9, "GB"];
  const digits = (size < 10 ? 1 : 0) + extra;
  const number = size.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${number} ${unit}`;
}

/**
 * @param {string} text that begins and ends as details of problems do
 * @param {string=} stop at its end, if it has none
 */
export function sentence(text, stop = t("full-stop")) {
  return text[0].toUpperCase() + text.slice(1) + (/[.!?。！？][)）]?$/.test(text) ? "" : stop);
}

/** Texts as sentences in a row, which have no spaces between them in Chinese. */
export function sentences(texts) {
  return texts.map((text) => sentence(text)).join(" ").replaceAll("。 ", "。");
}

/** @param {{width: number, height: number}} size in px */
export function pixels({ width, height }) {
  return t("px", { width, height });
}

/**
 * @param {number} count px, of any size
 * @param {number=} extra digits, where two, or those before the point, say too little
 */
export function megapixels(count, extra = 0) {
  const millions = count / 1e6;
  return t("megapixels", { count: Number(millions < 10 ? millions.toPrecision(2 + extra) : millions.toFixed(extra)) });
}

/** The px counts of a text in people's units: "25 MP" instead of "25000000 px". */
export function inMegapixels(text) {
  return text.replace(/(?<!x )\b(\d{5,}) (px|pixels)\b/g, (_, count) => megapixels(Number(count)));
}

/** @param {number} seconds from 0 */
export function duration(seconds) {
  if (seconds < 1.5) return t("duration-second");
  if (seconds < 120) return t("duration-seconds", { count: Math.round(seconds) });
  if (seconds < 5400) return t("duration-minutes", { count: Math.round(seconds / 60) });
  return t("duration-hours", { count: Math.round(seconds / 3600) });
}

/** @param {{done: number, total: number, secondsLeft: ?number}} job */
export function progressOf({ done, total, secondsLeft }) {
  if (!total) return t("waits");
  const percent = Math.floor((100 * done) / total);
  return secondsLeft == null ? t("percent-done", { percent }) : t("percent-left", { percent, duration: duration(secondsLeft) });
}

/** @param {string} format its name in the API; the format menu has its display name */
export function formatName(format) {
  return document.querySelector(`#format option[value="${format}"]`).textContent;
}
