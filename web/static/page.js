/** The page: take pictures, and connect what visitors do with what the page does. */

import { MAX_FILE_BYTES, check } from "./check.js";
import { listen } from "./choose.js";
import { back, discard, enter, fail, finish, HAS_JOBS, isCancellable, now, part, reset } from "./current.js";
import { shown } from "./failures.js";
import { giveUp, handIn, move, reopen } from "./handing.js";
import { listenForForgetting } from "./key.js";
import { define, onLanguage, t, translate } from "./messages.js";
import { onSaving } from "./options.js";
import { stopRetry } from "./problem.js";
import { onResult } from "./recent.js";
import { inAddress } from "./remembered.js";
import { clearQueue, downloadAll, enqueue, hasQueue, showList } from "./several.js";
import { chooseSaving, download, open, take } from "./single.js";
import { say } from "./status.js";
import { bytes } from "./words.js";

/** One picture alone is shown while it is enlarged; several, and what follows them, are a queue. */
function receive(pictures, skipped) {
  if (pictures.length > 1 || hasQueue()) return append(pictures, skipped);
  const [picture] = pictures;
  return check(picture).then(() => take(picture), (error) => refuse(error, picture));
}

function append(pictures, skipped) {
  try {
    enqueue(pictures, skipped);
  } catch (error) {
    refuse(error);
  }
}

/** Explain why a file is rejected. A running request continues, and a finished picture stays. */
function refuse(error, picture = null) {
  const failure = shown(error);
  if (isCancellable() || now.state === "queue") return say(failure.title, failure.advice);
  const later = () => {
    discard();
    now.picture = picture;
    handIn();
  };
  return fail(failure, { later: picture && later });
}

function restart() {
  clearQueue();
  reset();
}

part("another").addEventListener("click", () => reset());
part("restart").addEventListener("click", restart);
part("to-list").addEventListener("click", showList);
part("cancel").addEventListener("click", () => (now.state === "background" ? giveUp() : now.run.abort()));
part("later").addEventListener("click", move);
part("download").addEventListener("click", download);
part("download-all").addEventListener("click", downloadAll);
part("dismiss").addEventListener("click", back);
onSaving(chooseSaving);
onResult(open);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (now.state === "background") return now.toList?.(); // hours of work are not given up by a key
  if (isCancellable()) now.run.abort();
  else if (!part("problem").hidden) back();
  else if (now.toList && now.state !== "queue") showList();
});

listenForForgetting(() => {
  stopRetry();
  say(t("key-forgotten"), t("key-when-needed"));
  part("file").focus({ preventScroll: true });
});
onLanguage(() => {
  define("limit", bytes(MAX_FILE_BYTES));
  translate();
  if (now.done && !isCancellable()) finish();
  else if (now.state === "empty") enter("empty");
});
listen(receive, refuse);
addEventListener("hashchange", () => inAddress() && reopen(inAddress()));
enter("empty");
if (HAS_JOBS && inAddress()) reopen(inAddress());
