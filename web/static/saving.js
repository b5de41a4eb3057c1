/** Files for the user's disk. */

const SUFFIXES = { jpeg: "jpg" }; // the others are named as their format

/** Save a file under the picture's name. */
export function save(blob, name, format) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name.replace(/\.\w+$/, "")}-enlarged.${SUFFIXES[format] ?? format}`;
  link.click();
  // The browser reads it after this.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
