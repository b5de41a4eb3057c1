/** The list of what this browser has handed in, on the empty page. */

import { shown } from "./failures.js";
import { cancel } from "./jobs.js";
import { t } from "./messages.js";
import { forget, fragment, remembered } from "./remembered.js";
import { say } from "./status.js";

const section = document.getElementById("remembered");
const list = section.querySelector("ul");

/** Show the list, if there is anything on it. */
export function listJobs() {
  const jobs = remembered();
  section.hidden = !jobs.length;
  list.replaceChildren(...jobs.map(entryOf));
}

function entryOf(job) {
  const link = Object.assign(document.createElement("a"), { href: fragment(job), textContent: job.name });
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: t("delete") });
  button.setAttribute("aria-label", t("delete-name", { name: job.name }));
  button.addEventListener("click", () => erase(job));
  const entry = document.createElement("li");
  entry.append(link, button);
  return entry;
}

/** Delete a job and its result from the service. */
async function erase(job) {
  try {
    await cancel(job.id);
  } catch (error) {
    const failure = shown(error);
    if (failure.code !== "unknown_job") return say(failure.title, failure.advice);
  }
  forget(job);
  listJobs();
  say(t("is-deleted", { name: job.name }));
  (list.querySelector("button") ?? document.getElementById("file")).focus({ preventScroll: true });
}
