/** Saves files to the user's disk. */

const SUFFIXES = { jpeg: "jpg" }; // other suffixes equal the format's name

/** The name of a result, after that of the original. */
export function resultName(name, format) {
  return `${name.replace(/\.\w+$/, "")}-enlarged.${SUFFIXES[format] ?? format}`;
}

/**
 * Save a file under the name of the original.
 *
 * @param {Blob | string} source the file, or where the service has it
 */
export function save(source, name, format) {
  saveAs(source, resultName(name, format));
}

/** Save a file under a name. */
export function saveAs(source, name) {
  const link = document.createElement("a");
  link.href = source instanceof Blob ? URL.createObjectURL(source) : source;
  link.download = name;
  link.click();
  // Later, because the browser reads it after the click.
  if (source instanceof Blob) setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
