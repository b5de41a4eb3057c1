"""The outline of a JPEG: its segments and scans, up to the end of its picture. (ITU-T T.81, annex B)

It is looked at before a decoder reads the file, as the pixel limit does not help: a progressive JPEG of a few bytes can
pass over the whole picture in each of a million scans. A deadline would end the process that decodes it, but only after
it has held that process for all that time, and with an error that says nothing of the file.
"""

from dataclasses import dataclass, field

from superscaling.pictures.containers.jpeg_segments import (
    END_OF_PICTURE,
    MARKER,
    START_OF_SCAN,
    WITHOUT_LENGTH,
    Segment,
)
from superscaling.recognition.limits import check_parts

# Real JPEGs have about ten scans in a picture; libjpeg-turbo advises to distrust more than 500. Segments before the
# first scan: profiles and extended XMP take up to a few hundred.
MAX_SCANS = 500
MAX_SEGMENTS = 1000
# Some writers leave a few bytes between segments; decoders skip them one by one.
MAX_SKIPPED = 1 << 16

START, END = b"\xff\xd8", b"\xff\xd9"
# Start of frame: size, precision and components. (0xC4, 0xC8 and 0xCC are something else.)
FRAMES = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
PROGRESSIVE = (0xC2, 0xCA)
COEFFICIENTS, MOST_BITS = 64, 16


@dataclass
class JpegOutline:
    """`head`: the segments before the first scan; `scans`: the headers of the scans; `coded`: bytes of their codes;
    `frame`: the header of the picture, empty if there is none; `frame_marker`: its kind, 0 if there is none; `end`: of
    the coded pixels; `has_end_mark`: whether an end mark follows them.
    """

    head: list[Segment] = field(default_factory=list)
    scans: list[bytes] = field(default_factory=list)
    coded: list[int] = field(default_factory=list)
    frame: bytes = b""
    frame_marker: int = 0
    end: int = 0
    has_end_mark: bool = False

    @property
    def is_progressive(self) -> bool:
        """Whether scans add details to what earlier ones have."""
        return self.frame_marker in PROGRESSIVE

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in px as in the header of the picture; 0 if they are not there."""
        return int.from_bytes(self.frame[1:3]), int.from_bytes(self.frame[3:5])

    @property
    def is_cut(self) -> bool:
        """Whether the file ends within its coded pixels."""
        return bool(self.scans) and not self.has_end_mark

    @property
    def block_height(self) -> int:
        """Rows of px that are coded together (in a scan of all components)."""
        return 8 * max((factor & 15 for factor in self.frame[7::3]), default=1)

    @property
    def is_refining(self) -> bool:
        """Whether the last scan only adds a bit to coefficients that earlier ones have."""
        return self.is_progressive and bool(self.scans) and self.scans[-1][-1:] > b"\x0f"

    @property
    def last_components(self) -> bytes:
        """The numbers of the components in the last scan."""
        return self.scans[-1][1 : 1 + 2 * self.scans[-1][0] : 2] if self.scans and self.scans[-1] else b""

    @property
    def shares(self) -> dict[int, float]:
        """Each component's share of the samples."""
        sizes = {number: (factor >> 4) * (factor & 15) for number, factor in self.components}
        return {number: size / max(1, sum(sizes.values())) for number, size in sizes.items()}

    @property
    def unfinished(self) -> dict[int, int]:
        """Components -> how many bits some of their coefficients lack, if each scan is complete; without those of 0."""
        lacking = {number: [MOST_BITS] * COEFFICIENTS for number, _ in self.components}
        for scan in self.scans:
            count = scan[0] if scan else 0
            first, last, bits = scan[1 + 2 * count : 4 + 2 * count] if self.is_progressive else (0, 63, 0)
            for number in scan[1 : 1 + 2 * count : 2]:
                if number in lacking:
                    part = lacking[number][first : last + 1]
                    lacking[number][first : last + 1] = [bits & 15] * len(part)
        return {number: most for number, bits in lacking.items() if (most := max(bits))}

    @property
    def components(self) -> list[tuple[int, int]]:
        """Numbers and sampling factors, across in the upper four bits and down in the lower."""
        return list(zip(self.frame[6::3], self.frame[7::3], strict=False))


def outline_jpeg(data: bytes) -> JpegOutline:
    """Walk through a JPEG as decoders do, up to the end of its first picture. What follows that is not looked at.

    Raises:
        ImageTooComplex: it has more parts than real pictures have.
    """
    outline = JpegOutline(end=len(data))
    place, segments, skipped = len(START), 0, 0
    while place + 1 < len(data):
        code = data[place + 1]
        if data[place] != 0xFF or code in (0xFF, 0):
            place, skipped = place + 1, skipped + 1
        elif code in (END_OF_PICTURE, START[1]):  # decoders refuse a second start
            outline.end, outline.has_end_mark = place, code == END_OF_PICTURE
            break
        elif code in WITHOUT_LENGTH:
            place, skipped = place + 2, skipped + 2
        else:
            # A length counts itself, so at least 2: decoders refuse less, but not in what is left out for them.
            following = place + 2 + max(2, int.from_bytes(data[place + 2 : place + 4]))
            if following > len(data) or place + 4 > len(data):  # the picture ends with what was before
                outline.end = place
                break
            _note(outline, data, Segment(code, place + 4, following))
            segments, place = segments + 1, following
            if code == START_OF_SCAN:
                found = MARKER.search(data, following)
                place = len(data) if found is None else found.end() - 2
                outline.coded.append(place - following)
        check_parts("segments", segments - len(outline.scans), MAX_SEGMENTS)
        check_parts("scans", len(outline.scans), MAX_SCANS)
        check_parts("bytes between segments", skipped, MAX_SKIPPED)
    return outline


def _note(outline: JpegOutline, data: bytes, segment: Segment) -> None:
    code, content = segment.marker, data[segment.start : segment.end]
    if code == START_OF_SCAN:
        outline.scans.append(content)
        return
    if code in FRAMES:
        outline.frame, outline.frame_marker = content, code
    if not outline.scans:
        outline.head.append(segment)
