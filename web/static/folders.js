/** Files in dropped folders. */

/**
 * What was dropped, as entries of a file system. To be called while the event is handled.
 *
 * @param {DataTransfer} data
 * @returns {FileSystemEntry[]} empty, if the browser has no entries for it
 */
export function entriesOf(data) {
  return [...data.items].map((item) => item.kind === "file" && item.webkitGetAsEntry()).filter(Boolean);
}

/**
 * All files in entries, in the order of their paths; of folders, also in those inside. Hidden ones are left out.
 *
 * @param {FileSystemEntry[]} entries
 * @returns {Promise<File[]>}
 */
export async function filesOf(entries) {
  const files = [];
  for (const entry of entries.toSorted((one, other) => one.name.localeCompare(other.name))) {
    if (entry.name.startsWith(".")) continue;
    if (entry.isDirectory) files.push(...(await filesOf(await contentsOf(entry))));
    else files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
  }
  return files;
}

async function contentsOf(folder) {
  const reader = folder.createReader();
  const entries = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // at most 100 at a time
    if (!some.length) return entries;
    entries.push(...some);
  }
}
