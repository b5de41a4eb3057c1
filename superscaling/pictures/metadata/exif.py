"""EXIF blocks, entry by entry: types and bytes stay as they are. (Exif 3.0)"""

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction

from superscaling.pictures.containers.directory_writing import write_directories
from superscaling.pictures.density import to_fraction
from superscaling.recognition.directories import (
    FRACTIONS,
    INTEGERS,
    LONG,
    SHORT,
    WIDTHS,
    Directory,
    Entry,
    Layout,
    first_directory,
    layout_of,
    narrowed,
    read_directory,
    reordered,
)

# Most bytes of a block. A JPEG's segment holds 64 KiB; some writers use a second one.
MAX_EXIF = 1 << 17
# Before the block in a JPEG, and by mistake in other files.
PREFIX = b"Exif\0\0"
MAKER_NOTE, SUB_DIRECTORIES = 0x927C, 0x014A
HEADERS = {"<": b"II*\0\x08\0\0\0", ">": b"MM\0*\0\0\0\x08"}


class Part(IntEnum):
    """The directories of a block, by the tags that point to them."""

    MAIN = 0
    DETAILS = 0x8769
    GPS = 0x8825
    INTEROPERABILITY = 0xA005


# Directory -> the one that points to it.
PARENTS = {Part.DETAILS: Part.MAIN, Part.GPS: Part.MAIN, Part.INTEROPERABILITY: Part.DETAILS}


@dataclass
class Exif:
    """Entries by directory and tag, without pointers; previews are not read.

    `order`: `<` or `>`; `maker_note`: its offset in the block it comes from; `is_damaged`: whether entries were lost.
    """

    order: str = "<"
    parts: dict[Part, dict[int, Entry]] = field(default_factory=lambda: {part: {} for part in Part})
    maker_note: int | None = None
    is_damaged: bool = False

    def __bool__(self) -> bool:
        return any(self.parts.values())

    def to_block(self, most: int = MAX_EXIF) -> bytes:
        """The block, without a prefix; empty if there are no entries.

        A maker note stays at its offset, as many count from the beginning of the block, if it then has no more than
        `most` bytes: in a TIFF the note may lie behind the pixels.
        """
        if not self:
            return b""
        header = HEADERS[self.order]
        main, inner = self.linked()
        if self.maker_note is not None and self.maker_note < most:
            fixed = MAKER_NOTE, self.maker_note
            block = header + write_directories(main, inner, self.order, len(header), fixed)
            if len(block) <= most:
                return block
        return header + write_directories(main, inner, self.order, len(header))

    def linked(self) -> tuple[dict[int, Entry], dict[int, dict[int, Entry]]]:
        """The main directory, and the others by their pointers' tags, with pointers to be filled in."""
        parts = {part: dict(entries) for part, entries in self.parts.items()}
        for part, parent in reversed(PARENTS.items()):
            if parts[part]:
                parts[parent][part] = Entry(LONG, bytes(4))
        return parts[Part.MAIN], {int(part): parts[part] for part in PARENTS if parts[part]}

    def in_order(self, order: str) -> "Exif":
        """The same in another byte order."""
        parts = {
            part: {tag: reordered(entry, self.order, order) for tag, entry in entries.items()}
            for part, entries in self.parts.items()
        }
        return Exif(order, parts, None, self.is_damaged)

    def numbers(self, part: Part, tag: int) -> tuple[int | Fraction, ...]:
        """The numbers of a tag; empty if it is missing, or not of integers or finite fractions."""
        if (entry := self.parts[part].get(tag)) is None:
            return ()
        if entry.kind in FRACTIONS:
            letter = "I" if entry.kind == FRACTIONS[0] else "i"
            values = struct.unpack(f"{self.order}{2 * entry.values}{letter}", entry.data)
            pairs = list(zip(values[::2], values[1::2], strict=True))
            return tuple(Fraction(*pair) for pair in pairs) if all(below for _, below in pairs) else ()
        return entry.integers(self.order)

    def set_whole(self, part: Part, tag: int, *values: int) -> None:
        """Set integers of 0 to 2³² - 1, with the type that the tag has, if they fit, otherwise SHORT or LONG."""
        kind = self.parts[part][tag].kind if tag in self.parts[part] else SHORT
        if kind not in INTEGERS or max(values) >= 1 << (8 * WIDTHS[kind] - (kind in (6, 8, 9))):
            kind = SHORT if max(values) < 1 << 16 else LONG
        data = struct.pack(f"{self.order}{len(values)}{INTEGERS[kind]}", *values)
        self.parts[part][tag] = Entry(kind, data)

    def set_fraction(self, part: Part, tag: int, value: Fraction) -> None:
        """Set a positive fraction, as exactly as 32 bits allow; leave the tag out if they don't allow it."""
        if (near := to_fraction(value)) is None:
            self.parts[part].pop(tag, None)
            return
        data = struct.pack(f"{self.order}II", near.numerator, near.denominator)
        self.parts[part][tag] = Entry(FRACTIONS[0], data)


def read_exif(block: bytes) -> Exif:
    """Read a block, with or without the prefix. What is broken in it is left out; never raises."""
    block = block.removeprefix(PREFIX)
    layout = layout_of(block[: MAX_EXIF + 1])
    if layout not in (Layout("<"), Layout(">")) or len(block) > MAX_EXIF:
        return Exif(is_damaged=bool(block.strip(b"\0")))
    return collect_exif(block, read_directory(block, first_directory(block, layout), layout), layout)


def collect_exif(data: bytes, main: Directory, layout: Layout) -> Exif:
    """The main directory and those that it points to.

    Args:
        data: the block, or the TIFF file.
        main: from `read_directory`.
        layout: of both.
    """
    exif = Exif(layout.order, is_damaged=bool(main.broken))
    exif.parts[Part.MAIN] = main.entries
    main.entries.pop(SUB_DIRECTORIES, None)
    rest = MAX_EXIF
    for part, parent in PARENTS.items():
        pointer = exif.numbers(parent, part)
        if exif.parts[parent].pop(part, None) is None:
            continue
        found = read_directory(data, int(pointer[0]) if pointer and pointer[0] > 0 else len(data), layout)
        rest -= sum(len(entry.data) + 12 for entry in found.entries.values())
        if rest < 0 or not found.entries:
            exif.is_damaged = True
            continue
        exif.is_damaged |= bool(found.broken)
        exif.parts[part] = found.entries
        exif.maker_note = found.places.get(MAKER_NOTE, exif.maker_note)
    for entries in exif.parts.values():
        for tag, entry in list(entries.items()):
            if small := narrowed(entry, layout.order):
                entries[tag] = small
            else:
                del entries[tag]
                exif.is_damaged = True
    return exif
