/** Numbers and names in readable form. */

const plain = new Intl.NumberFormat("en");

/** @param {number} count bytes */
export function bytes(count) {
  if (count < 1000) return `${count} bytes`;
  const [size, unit] = count < 1e6 ? [count / 1e3, "KB"] : [count / 1e6, "MB"];
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}

/** @param {string} text that begins and ends as details of problems do */
export function sentence(text) {
  return text[0].toUpperCase() + text.slice(1) + (/[.!?)]$/.test(text) ? "" : ".");
}

/** @param {{width: number, height: number}} size in px */
export function pixels({ width, height }) {
  return `${plain.format(width)} × ${plain.format(height)} px`;
}

/** @param {number} seconds from 0 */
export function duration(seconds) {
  if (seconds < 1.5) return "a second";
  if (seconds < 90) return `${Math.round(seconds)} seconds`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes`;
  return `${Math.round(seconds / 3600)} hours`;
}

/** @param {{done: number, total: number, secondsLeft: ?number}} job */
export function progressOf({ done, total, secondsLeft }) {
  if (!total) return "It waits for its turn";
  const left = secondsLeft == null ? "" : `, about ${duration(secondsLeft)} left`;
  return `${Math.floor((100 * done) / total)} % done${left}`;
}

/** @param {string} format its name in the API; the format menu has its display name */
export function formatName(format) {
  return document.querySelector(`#format option[value="${format}"]`).textContent;
}
