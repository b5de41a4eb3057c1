/** The comparison of before and after, with a divider and zoom levels. */

const LEVELS = ["fit", 1, 2, 4]; // px of the page per px of the result
const WHEEL_STEP = 60; // sum of wheel or pinch deltas for the next level
const KEYS = { "+": 1, "=": 1, "-": -1 };

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
  zoom("fit");
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
  const fit = Math.min(1, stage.clientWidth / size.width, stage.clientHeight / size.height);
  const scale = level === "fit" ? fit : level;
  viewer.style.setProperty("--width", `${size.width * scale}px`);
  viewer.style.setProperty("--height", `${size.height * scale}px`);
  viewer.toggleAttribute("data-pixels", scale > 1);
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
  slider.setAttribute("aria-valuetext", `${value} % before, ${100 - value} % after`);
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

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in KEYS) step(KEYS[event.key]);
  else if (event.key === "0") zoom("fit");
  else if (event.target === slider && event.key.startsWith("Arrow") && /Left|Right/.test(event.key)) event.preventDefault();
  else if (event.target === slider && (event.key === "Home" || event.key === "End")) {
    event.preventDefault();
    slider.value = event.key === "Home" ? 0 : 100;
    tell();
  }
}

slider.addEventListener("slide", tell);
viewer.addEventListener("scroll", follow, { passive: true });
viewer.addEventListener("mousedown", drag);
viewer.addEventListener("wheel", wheel, { passive: false });
viewer.addEventListener("keydown", key);
for (const button of buttons) {
  button.addEventListener("click", () => zoom(LEVELS.find((each) => String(each) === button.dataset.zoom)));
}
new ResizeObserver(() => size && zoom(level)).observe(stage);
