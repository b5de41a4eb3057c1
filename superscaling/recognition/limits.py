"""Limits of input pictures: pixels, frames, and the number of parts in a file."""

from dataclasses import dataclass

from superscaling.errors import ImageTooComplex, ImageTooLarge, ResultTooLarge, TooManyFrames


@dataclass(frozen=True)
class Limits:
    """`pixels`: the most px of all frames together; `frames`: the most frames or pages.

    `weighted_pixels`: the most px, multiplied by the memory of the result's format; `result_pixels`: the most px of all
    frames of a result. Of these two, None is no limit.
    """

    pixels: int
    frames: int
    weighted_pixels: int | None = None
    result_pixels: int | None = None

    def check_frames(self, count: int) -> None:
        """Make sure that there are not too many frames. Callers may stop counting one above the limit.

        Raises:
            TooManyFrames: there are.
        """
        if count > self.frames:
            raise TooManyFrames(
                f"the image has more than {self.frames} frames or pages", limit=self.frames, setting="max_frames"
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

    def check_memory(self, pixels: int, input_pixels: int, name: str, memory: int) -> None:
        """Make sure that there is memory for a picture and its result.

        Args:
            pixels: of all frames together, or so many as take the memory of the result.
            input_pixels: of all frames together.
            name: the format of the result.
            memory: how many times the usual memory its encoder takes.

        Raises:
            ImageTooLarge: there is not.
        """
        if self.weighted_pixels is not None and pixels * memory > self.weighted_pixels:
            most = self.weighted_pixels // memory
            by_format = f" for {name}, which takes {memory} times the memory of other formats" if memory > 1 else ""
            ways = [
                *(["another format"] if pixels <= self.weighted_pixels else []),
                *(["a smaller result"] if input_pixels <= most else []),
            ]
            way_out = f"ask for {' or '.join(ways)}" if ways else "send a smaller image"
            raise ImageTooLarge(
                f"the image takes, with its result, the memory of {pixels} px; at most {most} px are"
                f" accepted{by_format}: {way_out}",
                limit=most,
                actual=pixels,
                setting="queue_pixels",
            )

    def check_result(self, width: int, height: int, pixels: int) -> None:
        """Make sure that a result is not too large.

        Args:
            width, height: of its first frame in px.
            pixels: of all frames.

        Raises:
            ResultTooLarge: it is.
        """
        if self.result_pixels is not None and pixels > self.result_pixels:
            in_frames = "" if pixels == width * height else ", in all frames or pages"
            raise ResultTooLarge(
                f"the result would have {width} x {height} px{in_frames} = {pixels} px; at most {self.result_pixels}"
                " px are made: ask for a smaller scale, width or height",
                limit=self.result_pixels,
                actual=pixels,
                setting="max_result_pixels",
            )

    def too_large(self, size: str, pixels: int | None = None) -> ImageTooLarge:
        """The error for a picture of `size`, in words, with `pixels` px if known. (To be raised.)"""
        return ImageTooLarge(
            f"the image has {size}; at most {self.pixels} px are accepted",
            limit=self.pixels,
            actual=pixels,
            setting="max_pixels",
        )


def check_parts(what: str, count: int, most: int) -> None:
    """Make sure that a file does not have far more parts than real pictures have, which would cost a decoder hours.

    Args:
        what: the parts, in words.
        count: of the parts. Callers may stop counting one above the limit.
        most: the limit.

    Raises:
        ImageTooComplex: there are more.
    """
    if count > most:
        raise ImageTooComplex(f"the image has more than {most} {what}, which no real image has", limit=most)
