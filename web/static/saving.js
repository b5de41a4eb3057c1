/** Saves files to the user's disk. */

const SUFFIXES = { jpeg: "jpg" }; // other suffixes equal the format's name

/** Save a file under the name of the original. */
export function save(blob, name, format) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name.replace(/\.\w+$/, "")}-enlarged.${SUFFIXES[format] ?? format}`;
  link.click();
  // Later, because the browser reads it after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
