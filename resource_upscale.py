"""`POST /upscale`."""

from errors import EstimateOverDeadline
from image_codec import Limits, Picture, check_can_hold, decode, encode
from message_protocol import UpscaleInput, UpscaleOutput
from picture_upscaler import PictureUpscaler
from super_resolution.work import Work


class ResourceUpscale:
    """Decodes, enlarges and encodes one image.

    Args:
        enlarge: the picture upscaler.
        limits: of input pictures.
        quality: of JPEG and WebP answers that ask for none, 1 to 100.
    """

    def __init__(self, enlarge: PictureUpscaler, limits: Limits, quality: int) -> None:
        self._enlarge = enlarge
        self._limits = limits
        self._quality = quality

    def main(self, message: UpscaleInput, work: Work) -> UpscaleOutput:
        """Answer with the picture enlarged, in its own format unless the message asks for another.

        Raises:
            UnsupportedImage, UnsupportedMode, ImageCorrupt: see `decode`.
            ImageTooLarge, TooManyFrames, ImageTooComplex: see `decode`.
            FormatCannotHold, EstimateOverDeadline: refused before the work.
            EngineFailed, ClientGone, DeadlinePassed: while it was done.
        """
        with work.span("decode"):
            picture = decode(message.image, self._limits)
        name = message.format or picture.format
        check_can_hold(picture, self._enlarge.facts.scale, name)
        self._check_estimate(picture, work)
        enlarged = self._enlarge(picture, work)
        work.checkpoint()
        with work.span("encode"):
            encoded = encode(enlarged, name, message.quality, self._quality)
        return UpscaleOutput(
            image=encoded.data,
            format=name,
            width=enlarged.width,
            height=enlarged.height,
            notes=picture.notes + encoded.notes,
        )

    def _check_estimate(self, picture: Picture, work: Work) -> None:
        seconds = self._enlarge.seconds_for(picture)
        if seconds > work.timeout:
            # Nobody is refused for what the machine was like some time ago.
            self._enlarge.measure_speed(work)
            seconds = self._enlarge.seconds_for(picture)
        if seconds > work.timeout:
            frames = f" in {len(picture.frames)} frames" if len(picture.frames) > 1 else ""
            raise EstimateOverDeadline(
                f"{picture.width} x {picture.height} px{frames} would take about {seconds:.0f} s on this machine;"
                f" a request may take {work.timeout:g} s: send a smaller picture, or raise {work.timeout_setting}",
                limit=work.timeout,
                actual=round(seconds, 1),
                setting=work.timeout_setting,
            )
