/** The list of the queue: a row for each picture, with thumbnail, name, progress and what can be done. */

import { t } from "./messages.js";
import { said } from "./problem.js";
import { bytes, formatName, pixels, sentences } from "./words.js";

const HEIGHT = 96; // px of a thumbnail, which is shown at half of that
const list = document.querySelector("#queue ul");
const rows = new Map(); // by entry
let drawing = Promise.resolve(); // thumbnails, one at a time

/**
 * Show the rows of entries, as queue.js has them.
 *
 * @param {object[]} entries
 * @param {Object<string, (entry: object) => void>} actions `cancel`, `retry`, `compare`, `save`
 */
export function listRows(entries, actions) {
  for (const entry of rows.keys()) if (!entries.includes(entry)) rows.delete(entry);
  for (const entry of entries) {
    if (!rows.has(entry)) rows.set(entry, rowOf(entry, actions));
    showRow(entry);
  }
  const wanted = entries.map((entry) => rows.get(entry).item);
  if (wanted.length !== list.children.length || wanted.some((item, at) => item !== list.children[at])) list.replaceChildren(...wanted);
}

/** Show what has changed about an entry. The focus stays in its row. */
export function showRow(entry) {
  const row = rows.get(entry);
  if (!row) return;
  const { status, share, picture: { name } } = entry;
  row.item.dataset.status = status;
  row.progress.hidden = status !== "running";
  row.progress.setAttribute("aria-label", t("row-progress", { name }));
  if (share) row.progress.value = share;
  else row.progress.removeAttribute("value");
  row.text.replaceChildren(textOf(entry), ...said(entry.failure, "small"));
  const visible = { waiting: ["cancel"], running: ["cancel"], failed: ["retry"], cancelled: ["retry"], done: ["compare", "save"] }[status];
  const hadFocus = row.item.contains(document.activeElement);
  for (const [action, button] of Object.entries(row.buttons)) {
    button.hidden = !visible.includes(action);
    button.textContent = t({ cancel: "cancel", retry: "try-again", compare: "row-compare", save: "row-save" }[action]);
    button.setAttribute("aria-label", t(`row-${action}${["compare", "save"].includes(action) ? "-name" : ""}`, { name }));
  }
  if (hadFocus && document.activeElement.hidden !== false) row.buttons[visible[0]].focus({ preventScroll: true });
}

function textOf({ status, failure, result }) {
  if (status === "failed") return sentences([failure.title, ...failure.texts]);
  if (status !== "done") return t(`row-${status}`);
  const { accepted, blob, notes } = result;
  const file = t("result-short", { format: formatName(accepted.format), size: bytes(blob.size) });
  return [pixels(accepted), file, ...notes].join(" · ");
}

function rowOf(entry, actions) {
  const item = document.createElement("li");
  const thumbnail = Object.assign(document.createElement("canvas"), { width: HEIGHT, height: HEIGHT });
  thumbnail.setAttribute("aria-hidden", "true");
  const name = Object.assign(document.createElement("strong"), { textContent: entry.picture.name });
  const text = document.createElement("span");
  const progress = Object.assign(document.createElement("progress"), { max: 1 });
  const words = Object.assign(document.createElement("div"), { className: "words" });
  words.append(name, text, progress);
  const buttons = {};
  for (const action of Object.keys(actions)) {
    buttons[action] = Object.assign(document.createElement("button"), { type: "button" });
    buttons[action].addEventListener("click", () => actions[action](entry));
  }
  item.append(thumbnail, words, ...Object.values(buttons));
  drawing = drawing.then(() => draw(entry.picture, thumbnail)).catch(() => {}); // a picture that the browser can't show
  return { item, text, progress, buttons };
}

/** Draw the middle of a picture, if its file is here. */
async function draw(picture, canvas) {
  if (!(picture instanceof File) || !canvas.isConnected) return;
  const image = await createImageBitmap(picture);
  const scale = Math.max(HEIGHT / image.width, HEIGHT / image.height);
  const [width, height] = [image.width * scale, image.height * scale];
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, (HEIGHT - width) / 2, (HEIGHT - height) / 2, width, height);
  image.close();
}
