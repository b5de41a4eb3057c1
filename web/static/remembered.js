/** Which jobs this browser has handed in: the one in the page's address, and the others in its storage. */

import { t } from "./messages.js";

const STORE = "jobs";
const MAX = 10;
const KEEP = Number(document.body.dataset.jobsKeep) * 3_600_000; // ms for which the service keeps results

/** The job in the page's address, as id and name; null if there is none. */
export function inAddress() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const id = parts.get("job");
  return id && { id, name: parts.get("name") || t("picture") };
}

/** The part of an address that finds a job again. */
export function fragment({ id, name }) {
  return `#${new URLSearchParams({ job: id, name })}`;
}

/** Put a job into the page's address; null: none. */
export function putInAddress(job) {
  history.replaceState(null, "", job ? fragment(job) : location.pathname + location.search);
}

/** All jobs that are remembered, the newest first, without those whose results are deleted by now. */
export function remembered() {
  try {
    const jobs = JSON.parse(localStorage.getItem(STORE)) ?? [];
    const isThere = ({ until }) => !(until < Date.now());
    return jobs.filter((job) => typeof job?.id === "string" && typeof job.name === "string" && isThere(job));
  } catch {
    return []; // the browser keeps nothing, or something else was there
  }
}

/** Remember a job. */
export function remember({ id, name }, isDone = false) {
  const job = isDone ? { id, name, until: Date.now() + KEEP } : { id, name };
  keep([job, ...remembered().filter((other) => other.id !== id)]);
}

/** Forget a job. */
export function forget(job) {
  keep(remembered().filter(({ id }) => id !== job.id));
}

function keep(jobs) {
  try {
    localStorage.setItem(STORE, JSON.stringify(jobs.slice(0, MAX)));
  } catch {
    // The page's address still has it.
  }
}
