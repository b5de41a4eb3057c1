/** The last results of this tab, in memory, on the empty page. */

import { t } from "./messages.js";
import { bytes, formatName } from "./words.js";

const MAX = 20;
const MAX_BYTES = 300_000_000; // of all results

const section = document.getElementById("recent");
const list = section.querySelector("ul");

let results = []; // the newest first
let open = () => {};

/** Remember a result, as `open` of single.js takes it; of the oldest, so many are forgotten as are too many. */
export function addResult({ picture, accepted, blob, notes, kept, options, seconds }) {
  // Without decoded images: they would take the memory of all their px.
  results.unshift({ picture, accepted, blob, notes, kept, options, seconds });
  let total = 0;
  results = results.slice(0, MAX).filter(({ blob: { size } }) => (total += size) <= MAX_BYTES);
}

/** Show the list, if there is anything on it. */
export function listResults() {
  section.hidden = !results.length;
  list.replaceChildren(...results.map(entryOf));
}

/** Call `listener(result)` for the result that the visitor chooses. */
export function onResult(listener) {
  open = listener;
}

function entryOf(result) {
  const { picture, accepted, blob } = result;
  const words = t("result-short", { format: formatName(accepted.format), size: bytes(blob.size) });
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: picture.name, title: words });
  button.addEventListener("click", () => open(result));
  const entry = document.createElement("li");
  entry.append(button);
  return entry;
}
