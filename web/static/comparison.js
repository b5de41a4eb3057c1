/** The comparison of before and after, with a divider and zoom levels. */

import { onLanguage, t } from "./messages.js";

const LEVELS = ["fit", 1, 2, 4]; // px of the page per px of the result
const WHEEL_STEP = 60; // sum of wheel or pinch deltas for the next level
const KEYS = { "+": 1, "=": 1, "-": -1 };
const STEP = 5; // % by which an arrow key moves the divider

const viewer = document.getElementById("viewer");
const slider = document.getElementById("slider");
const stage = document.getElementById("stage");
const panes = ["before", "after"].map((name) => document.getElementById(name));
const buttons = [...document.querySelectorAll("[data-zoom]")];

let size = null; // of the result, px
let level = "fit";

/**
 * Show two layers with the divider between them.
 *
 * @param {[Element, Element]} layers before and after; each is stretched to the result's size
 * @param {{width: number, height: number}} pixels the result's size
 */
export function compare(layers, pixels) {
  size = pixels;
  panes.forEach((pane, index) => pane.replaceChildren(layers[index]));
  slider.value = 50;
  tell();
  const { width, height } = size;
  zoom(width <= stage.clientWidth && height <= stage.clientHeight ? 1 : "fit");
}

/** Remove the layers. */
export function clear() {
  size = null;
  for (const pane of panes) pane.replaceChildren();
}

/** Zoom, and keep the centre of the view in place. */
function zoom(wanted) {
  level = wanted;
  const [x, y] = [
    (viewer.scrollLeft + viewer.clientWidth / 2) / viewer.scrollWidth || 0.5,
    (viewer.scrollTop + viewer.clientHeight / 2) / viewer.scrollHeight || 0.5,
  ];
  const fit = Math.min(stage.clientWidth / size.width, stage.clientHeight / size.height);
  const scale = level === "fit" ? fit : level;
  const [width, height] = [size.width * scale, size.height * scale];
  viewer.style.setProperty("--width", `${width}px`);
  viewer.style.setProperty("--height", `${height}px`);
  // At whole px, so that px of the picture are px of the page.
  viewer.style.setProperty("--from-left", `${Math.max(0, Math.floor((stage.clientWidth - width) / 2))}px`);
  viewer.style.setProperty("--from-top", `${Math.max(0, Math.floor((stage.clientHeight - height) / 2))}px`);
  viewer.toggleAttribute("data-pixels", level !== "fit" && level > 1);
  viewer.scrollTo(x * viewer.scrollWidth - viewer.clientWidth / 2, y * viewer.scrollHeight - viewer.clientHeight / 2);
  // If the picture can be moved, only the handle moves the divider.
  const movable = viewer.scrollWidth > viewer.clientWidth || viewer.scrollHeight > viewer.clientHeight;
  slider.handle = movable;
  viewer.toggleAttribute("data-movable", movable);
  if (movable) viewer.tabIndex = 0;
  else viewer.removeAttribute("tabindex");
  for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.zoom === String(level));
  follow();
}

function step(direction) {
  const next = LEVELS[LEVELS.indexOf(level) + direction];
  if (next) zoom(next);
}

/** Move the layers with the viewer's scroll position; the slider itself stays in place. */
function follow() {
  viewer.style.setProperty("--x", `${-viewer.scrollLeft}px`);
  viewer.style.setProperty("--y", `${-viewer.scrollTop}px`);
}

function tell() {
  const value = Math.round(slider.value);
  slider.setAttribute("aria-valuenow", value);
  slider.setAttribute("aria-valuetext", t("divider-value", { before: value, after: 100 - value }));
}

/** Pan with the mouse; touch scrolls natively. */
function drag(start) {
  if (start.defaultPrevented || start.button !== 0 || !viewer.hasAttribute("data-movable")) return;
  start.preventDefault();
  const [left, top] = [viewer.scrollLeft + start.clientX, viewer.scrollTop + start.clientY];
  const end = new AbortController();
  window.addEventListener("mousemove", (event) => viewer.scrollTo(left - event.clientX, top - event.clientY), end);
  window.addEventListener("mouseup", () => end.abort(), end);
}

let turned = 0;
function wheel(event) {
  if (!event.ctrlKey) return; // plain scrolling; Ctrl, also sent for a pinch, would zoom the whole page
  event.preventDefault();
  turned += event.deltaY;
  if (Math.abs(turned) < WHEEL_STEP) return;
  step(-Math.sign(turned));
  turned = 0;
}

/** Keys work wherever the focus is, but where they have a meaning of their own. */
function key(event) {
  if (!size || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea, dialog")) return;
  if (event.key in KEYS) step(KEYS[event.key]);
  else if (event.key === "0") zoom("fit");
  else move(event);
}

/** Move the divider. Arrows on the divider itself are its own; a picture that has the focus and can be moved, takes them. */
function move(event) {
  const onSlider = event.target === slider;
  const isArrow = event.key === "ArrowLeft" || event.key === "ArrowRight";
  if (event.target === viewer && viewer.hasAttribute("data-movable")) return;
  if (onSlider && isArrow) return event.preventDefault();
  const by = isArrow ? (event.key === "ArrowLeft" ? -STEP : STEP) : { Home: -100, End: 100 }[event.key];
  if (by === undefined) return;
  event.preventDefault();
  slider.value = Math.max(0, Math.min(100, slider.value + by));
  tell();
}

slider.addEventListener("slide", tell);
viewer.addEventListener("scroll", follow, { passive: true });
viewer.addEventListener("mousedown", drag);
viewer.addEventListener("wheel", wheel, { passive: false });
document.addEventListener("keydown", key);
for (const button of buttons) {
  button.addEventListener("click", () => zoom(LEVELS.find((each) => String(each) === button.dataset.zoom)));
}
onLanguage(tell);
new ResizeObserver(() => size && zoom(level)).observe(stage);
