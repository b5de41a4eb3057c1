/** Pictures that wait for their turn. Some at a time go to the service; when it is busy, all wait as long as it says. */

import { check } from "./check.js";
import { enlargeUnseen } from "./enlarging.js";
import { shown } from "./failures.js";
import { chosen } from "./options.js";

const AT_ONCE = 2;
const BUSY = ["queue_full", "rate_exceeded", "too_many_requests"]; // codes that pass
const MAX_ATTEMPTS = 3; // of an entry that fails otherwise, although the service says when to ask again

/**
 * A queue of entries: `{picture, options, status, share, attempts, result, failure}`, where `options` are those that were
 * chosen when the picture came, `status` is `waiting`, `running`, `done`, `failed` or `cancelled`, `share` the part that is
 * done, `attempts` those that failed, `result` as `open` of single.js takes it.
 */
export class Queue {
  entries = [];
  /** When the service is asked again, in ms of `performance.now`; null: it is not busy. */
  pausedUntil = null;
  #timer = null;

  /** @param {(entry: ?object) => void} changed called with the entry that has changed; null: another matter */
  constructor(changed) {
    this.changed = changed;
  }

  /** Append pictures: files, or addresses. */
  add(pictures) {
    const options = chosen();
    const fresh = { options, status: "waiting", share: 0, attempts: 0, result: null, failure: null };
    this.entries.push(...pictures.map((picture) => ({ ...fresh, picture })));
    this.changed(null);
    this.#proceed();
  }

  cancel(entry) {
    entry.run?.abort();
    this.#set(entry, { status: "cancelled", share: 0 });
    this.#proceed();
  }

  retry(entry) {
    this.#set(entry, { options: chosen(), status: "waiting", share: 0, attempts: 0, failure: null });
    this.#proceed();
  }

  /** Cancel everything, and forget it. */
  clear() {
    for (const entry of this.entries) entry.run?.abort();
    this.entries = [];
    this.#resume();
  }

  /** How many entries have this status. */
  count(status) {
    return this.entries.filter((entry) => entry.status === status).length;
  }

  /** Whether nothing is left to do. */
  get isIdle() {
    return !this.count("waiting") && !this.count("running");
  }

  /** The part that is done of all entries, from 0 to 1. */
  get share() {
    const shares = this.entries.map(({ status, share }) => (["waiting", "running"].includes(status) ? share : 1));
    return shares.reduce((sum, each) => sum + each, 0) / shares.length;
  }

  #proceed() {
    if (this.pausedUntil !== null) return;
    const free = AT_ONCE - this.count("running");
    for (const entry of this.entries.filter(({ status }) => status === "waiting").slice(0, free)) this.#run(entry);
  }

  async #run(entry) {
    const run = new AbortController();
    entry.run = run;
    this.#set(entry, { status: "running" });
    const isCurrent = () => entry.run === run && entry.status === "running" && this.entries.includes(entry);
    try {
      const { options } = entry;
      await check(entry.picture);
      const start = performance.now();
      const result = await enlargeUnseen(entry.picture, options, run.signal, (name, data) => {
        if (name === "progress" && isCurrent()) this.#set(entry, { share: data.done / data.total });
      });
      const seconds = (performance.now() - start) / 1000;
      if (isCurrent()) this.#set(entry, { status: "done", result: { ...result, picture: entry.picture, options, seconds } });
    } catch (error) {
      if (isCurrent()) this.#failed(entry, shown(error));
    }
    this.#proceed();
  }

  /** A busy service is asked again and again, a failing one a few times; without a key, nothing else can succeed either. */
  #failed(entry, failure) {
    if (failure?.again && failure.retryAfter && (BUSY.includes(failure.code) || ++entry.attempts < MAX_ATTEMPTS)) {
      this.#set(entry, { status: "waiting", share: 0 });
      return this.#pause(failure.retryAfter);
    }
    const all = failure?.code === "unauthorized" ? this.entries.filter(({ status }) => status === "waiting") : [];
    for (const each of [entry, ...all]) this.#set(each, { status: failure ? "failed" : "cancelled", failure });
  }

  #pause(seconds) {
    this.pausedUntil = Math.max(this.pausedUntil ?? 0, performance.now() + seconds * 1000);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#resume(), this.pausedUntil - performance.now());
    this.changed(null);
  }

  #resume() {
    clearTimeout(this.#timer);
    this.pausedUntil = null;
    this.#proceed();
    if (this.entries.length) this.changed(null);
  }

  #set(entry, news) {
    Object.assign(entry, news);
    this.changed(entry);
  }
}
