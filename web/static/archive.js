/** ZIP archives (APPNOTE 6.3.3) of files that are compressed already, and are therefore stored as they are. */

export const MAX_BYTES = 0xffffffff; // without ZIP64, of an archive
const VERSION = 20; // that unpacks them: 2.0
const IN_UTF_8 = 0x0800; // flag of names
const [LOCAL, CENTRAL, END] = [30, 46, 22]; // bytes of headers, without names

// CRC-32 as in ISO 3309, of each byte.
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * Pack files. Their bytes are read in pieces and not copied: the archive refers to them.
 *
 * @param {{name: string, blob: Blob}[]} files whose names may be equal: then they get numbers
 * @param {Date} time of all files
 * @returns {Promise<Blob>}
 */
export async function pack(files, time = new Date()) {
  const names = unique(files.map(({ name }) => name)).map((name) => new TextEncoder().encode(name));
  const [parts, index] = [[], []];
  let offset = 0;
  for (const [at, { blob }] of files.entries()) {
    const entry = { name: names[at], size: blob.size, crc: await crc32(blob), offset, time };
    parts.push(localHeader(entry), blob);
    index.push(centralHeader(entry));
    offset += LOCAL + entry.name.length + blob.size;
  }
  return new Blob([...parts, ...index, end(index, offset)], { type: "application/zip" });
}

/** The size of the archive of files, in bytes. */
export function packedSize(files) {
  const sizes = unique(files.map(({ name }) => name)).map((name) => 2 * new TextEncoder().encode(name).length + LOCAL + CENTRAL);
  return files.reduce((sum, { blob }, at) => sum + sizes[at] + blob.size, END);
}

/** Names without those that a file system may take for the same one: they get numbers. */
function unique(names) {
  const taken = new Set();
  return names.map((name) => {
    const [, stem, suffix] = name.replace(/[\\/]/g, "_").match(/^(.*?)(\.\w+)?$/s);
    let [free, number] = [stem + (suffix ?? ""), 1];
    while (taken.has(free.toLowerCase())) free = `${stem} (${++number})${suffix ?? ""}`;
    taken.add(free.toLowerCase());
    return free;
  });
}

async function crc32(blob) {
  const reader = blob.stream().getReader();
  let crc = ~0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return ~crc >>> 0;
    for (let at = 0; at < value.length; at++) crc = TABLE[(crc ^ value[at]) & 0xff] ^ (crc >>> 8);
  }
}

function localHeader(entry) {
  const [bytes, view] = header(LOCAL, 0x04034b50, entry.name);
  described(view, 4, entry);
  return bytes;
}

function centralHeader(entry) {
  const [bytes, view] = header(CENTRAL, 0x02014b50, entry.name);
  view.setUint16(4, VERSION, true);
  described(view, 6, entry);
  view.setUint32(42, entry.offset, true);
  return bytes;
}

function end(index, offset) {
  const [bytes, view] = header(END, 0x06054b50, []);
  view.setUint16(8, index.length, true);
  view.setUint16(10, index.length, true);
  view.setUint32(12, index.reduce((sum, { length }) => sum + length, 0), true);
  view.setUint32(16, offset, true);
  return bytes;
}

function header(size, signature, name) {
  const bytes = new Uint8Array(size + name.length);
  bytes.set(name, size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, signature, true);
  return [bytes, view];
}

/** What both headers of a file say, in the same order. */
function described(view, at, { name, size, crc, time }) {
  view.setUint16(at, VERSION, true);
  view.setUint16(at + 2, IN_UTF_8, true);
  view.setUint16(at + 6, (time.getHours() << 11) | (time.getMinutes() << 5) | (time.getSeconds() >> 1), true);
  view.setUint16(at + 8, ((time.getFullYear() - 1980) << 9) | ((time.getMonth() + 1) << 5) | time.getDate(), true);
  view.setUint32(at + 10, crc, true);
  view.setUint32(at + 14, size, true); // compressed
  view.setUint32(at + 18, size, true);
  view.setUint16(at + 22, name.length, true);
}
