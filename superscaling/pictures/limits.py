"""How large a picture may be, and of how many parts."""

from dataclasses import dataclass

from superscaling.errors import ImageTooComplex, ImageTooLarge, TooManyFrames

# A JPEG's one segment of EXIF holds 64 KiB, bytes; some writers use a second one.
MAX_EXIF = 1 << 17


@dataclass(frozen=True)
class Limits:
    """`pixels`: the most px, over all frames; `frames`: the most frames or pages."""

    pixels: int
    frames: int

    def check_frames(self, count: int) -> None:
        """Make sure that there are not too many frames.

        Args:
            count: of the frames that were seen; who counts them may stop one above the limit.

        Raises:
            TooManyFrames: there are.
        """
        if count > self.frames:
            raise TooManyFrames(
                f"the image has more than {self.frames} frames or pages",
                limit=self.frames,
                setting="max_frames",
            )

    def check_pixels(self, width: int, height: int, frames: int = 1) -> None:
        """Make sure that `frames` pictures of `width` by `height` px are not too large.

        Raises:
            ImageTooLarge: they are.
        """
        pixels = width * height * frames
        if pixels > self.pixels:
            in_frames = f" x {frames} frames" if frames > 1 else ""
            raise self.too_large(f"{width} x {height}{in_frames} = {pixels} px", pixels)

    def too_large(self, size: str, pixels: int | None = None) -> ImageTooLarge:
        """The error for a picture of `size`, in words, and `pixels`, where their number is known."""
        return ImageTooLarge(
            f"the image has {size}; at most {self.pixels} px are accepted",
            limit=self.pixels,
            actual=pixels,
            setting="max_pixels",
        )


def check_parts(what: str, count: int, most: int) -> None:
    """Make sure that a file is not built of far more parts than real pictures have, to cost a decoder hours.

    Args:
        what: the parts, for the message.
        count: of them; who counts may stop one above the limit.
        most: the limit.

    Raises:
        ImageTooComplex: it is.
    """
    if count > most:
        raise ImageTooComplex(f"the image has more than {most} {what}, which no real picture has", limit=most)
