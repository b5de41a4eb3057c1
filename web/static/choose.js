/** The ways to give the page a picture: choose, drop or paste a file, or click a sample. */

import { Failure } from "./failures.js";
import { sample } from "./service.js";

/**
 * Call `take(file)` for each file, and `refuse(error)` for anything else.
 */
export function listen(take, refuse) {
  const input = document.getElementById("file");
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = ""; // so that the same file can be chosen again
    if (file) take(file);
  });

  for (const button of document.querySelectorAll("[data-sample]")) {
    button.addEventListener("click", () => sample(button.dataset.sample).then(take, refuse));
  }

  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file) take(file);
    else refuse(new Failure({ title: "There is no picture in the clipboard", advice: "Copy a picture, not its address, and paste again." }));
  });

  document.addEventListener("share", ({ detail: { files: [file] } }) => take(file));

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
    const [file] = event.dataTransfer.files;
    if (file) take(file);
    else refuse(new Failure({ title: "This is not a file", advice: "Save the picture first, then drop the file." }));
  });
}
