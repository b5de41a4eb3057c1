"""`POST /upscale`."""

from errors import EstimateOverDeadline
from image_codec import Picture, check_can_hold, decode, encode
from message_protocol import UpscaleInput, UpscaleOutput
from picture_upscaler import PictureUpscaler
from super_resolution.work import Work


class ResourceUpscale:
    """Decodes, enlarges and encodes one image.

    Args:
        enlarge: the picture upscaler.
        max_pixels: the most px of an input picture.
        quality: of JPEG and WebP answers that ask for none, 1 to 100.
    """

    def __init__(self, enlarge: PictureUpscaler, max_pixels: int, quality: int) -> None:
        self._enlarge = enlarge
        self._max_pixels = max_pixels
        self._quality = quality

    def main(self, message: UpscaleInput, work: Work) -> UpscaleOutput:
        """Answer with the picture enlarged, in its own format unless the message asks for another.

        Raises:
            UnsupportedImage, ImageCorrupt, ImageTooLarge, UnsupportedMode: see `decode`.
            FormatCannotHold, EstimateOverDeadline: refused before the work.
            EngineFailed, ClientGone, DeadlinePassed: while it was done.
        """
        with work.span("decode"):
            picture = decode(message.image, self._max_pixels)
        name = message.format or picture.format
        check_can_hold(picture, self._enlarge.facts.scale, name)
        self._check_estimate(picture, work)
        enlarged = self._enlarge(picture, work)
        work.checkpoint()
        with work.span("encode"):
            image = encode(enlarged, name, message.quality, self._quality)
        return UpscaleOutput(image=image, format=name, width=enlarged.width, height=enlarged.height)

    def _check_estimate(self, picture: Picture, work: Work) -> None:
        seconds = self._enlarge.seconds_for(picture)
        if seconds > work.timeout:
            # Nobody is refused for what the machine was like some time ago.
            self._enlarge.measure_speed(work)
            seconds = self._enlarge.seconds_for(picture)
        if seconds > work.timeout:
            raise EstimateOverDeadline(
                f"{picture.width} x {picture.height} px would take about {seconds:.0f} s on this machine;"
                f" a request may take {work.timeout:g} s: send a smaller picture, or raise {work.timeout_setting}",
                limit=work.timeout,
                actual=round(seconds, 1),
                setting=work.timeout_setting,
            )
