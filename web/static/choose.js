/** The ways to give the page pictures: choose, drop or paste files, folders or an address, or click a sample. */

import { Failure } from "./failures.js";
import { filesOf, entriesOf } from "./folders.js";
import { t } from "./messages.js";
import { sample } from "./service.js";

const TAKES_URLS = "takesUrls" in document.body.dataset;

/**
 * Call `take(pictures, skipped)` for files (`File`) and addresses (`{name, url}`), `skipped`: how many files of folders
 * are none of pictures; and `refuse(error)` for anything else.
 */
export function listen(take, refuse) {
  for (const id of ["file", "folder"]) {
    const input = document.getElementById(id);
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = ""; // so that the same file can be chosen again
      if (id === "folder") takeFolder(files, take, refuse);
      else if (files.length) take(files, 0);
    });
  }
  document.getElementById("choose-folder").addEventListener("click", () => document.getElementById("folder").click());

  for (const button of document.querySelectorAll("[data-sample]")) {
    button.addEventListener("click", () => sample(button.dataset.sample).then((file) => take([file], 0), refuse));
  }

  document.addEventListener("paste", (event) => {
    if (event.target.closest?.("input")) return;
    receive(event.clipboardData, take, () => refuse(new Failure(() => ({ title: t("clipboard-empty"), advice: t("clipboard-advice") }))));
  });

  const drag = (on) => document.body.toggleAttribute("data-drag", on);
  document.addEventListener("dragover", (event) => {
    event.preventDefault(); // otherwise the browser opens the file
    drag(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drag(false);
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drag(false);
    const none = () => refuse(new Failure(() => ({ title: t("not-a-file"), advice: t("not-a-file-advice") })));
    const entries = entriesOf(event.dataTransfer);
    if (!entries.some((entry) => entry.isDirectory)) return receive(event.dataTransfer, take, none);
    return filesOf(entries).then((files) => takeFolder(files, take, refuse), refuse);
  });

  // Files that other programs share with the page's app, or open with it.
  document.addEventListener("share", (event) => take([...event.detail.files], 0));
}

/** Take files, or an address, if the service takes addresses. */
function receive(data, take, none) {
  const files = [...data.files];
  const address = TAKES_URLS && addressIn(data);
  if (files.length) take(files, 0);
  else if (address) take([address], 0);
  else none();
}

/** The address in what was dropped or pasted, named by its last part; null if there is none. */
function addressIn(data) {
  const text = (data.getData("text/uri-list").split(/\r?\n/).find((line) => line && !line.startsWith("#")) ?? data.getData("text/plain")).trim();
  const url = URL.parse?.(text) ?? (URL.canParse(text) ? new URL(text) : null);
  if (!url || !/^https?:$/.test(url.protocol)) return null;
  url.hash = ""; // addresses of images have none
  return { name: decoded(url.pathname.split("/").pop()) || url.hostname, url: url.href };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Take the pictures of a folder. What else lies there is left alone. */
function takeFolder(all, take, refuse) {
  // Of a dropped folder, these are left out already.
  const files = all.filter(({ webkitRelativePath }) => !/\/\./.test(webkitRelativePath));
  const pictures = files.filter(({ type, name }) => type.startsWith("image/") || /\.(heic|heif|hif)$/i.test(name));
  if (pictures.length) take(pictures, files.length - pictures.length);
  else refuse(new Failure(() => ({ title: t("no-pictures"), advice: t("no-pictures-advice") })));
}
