"""`POST /upscale`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from message_protocol import UpscaleInput, UpscaleOutput
from superscaling.enlarging import PictureUpscaler
from superscaling.errors import EstimateOverDeadline
from superscaling.format_name import FormatName
from superscaling.geometry import Cost
from superscaling.pictures import FORMATS, Limits, Picture, Size, check_can_hold, decode, encode, known_format, measure
from superscaling.scheduling import Admission, Work

# What the time of a request goes into, in this order; the keys of `Work.seconds`.
SPANS = ("queue", "decode", "infer", "encode")
# For so many seconds a measured speed is good enough to refuse pictures by: measuring costs others their turns.
SPEED_HOLDS = 5.0


@dataclass(frozen=True)
class Plan:
    """What will be made of a picture that was admitted and decoded.

    `format`: of the answer; `width`, `height`: of the answer, in px; `tiles`: that the network will be shown; `ahead`:
    requests that are worked on beside this one; `seconds_left`: estimates the time until it is done.
    """

    picture: Picture
    format: FormatName
    width: int
    height: int
    tiles: int
    ahead: int
    seconds_left: Callable[[], float]


class UpscaleWork(Work):
    """The work on one request for a picture; `pixels`: of all its frames, once it is admitted."""

    pixels = 0

    def accepted(self, plan: Plan) -> None:
        """Learn what will be made of the picture. Called once, before the first tile."""


class ResourceUpscale:
    """Decodes, enlarges and encodes one image.

    Args:
        picture_upscaler: the picture upscaler.
        admission: admits pictures.
        limits: of input pictures.
        quality: of JPEG and WebP answers that ask for none, 1 to 100.
    """

    def __init__(self, picture_upscaler: PictureUpscaler, admission: Admission, limits: Limits, quality: int) -> None:
        self._picture_upscaler = picture_upscaler
        self._admission = admission
        self._limits = limits
        self._quality = quality

    def main(self, message: UpscaleInput, work: UpscaleWork) -> UpscaleOutput:
        """Answer with the picture enlarged, in its own format unless the message asks for another.

        Raises:
            UnsupportedImage, UnsupportedMode, ImageCorrupt: see `decode`.
            ImageTooLarge, TooManyFrames, ImageTooComplex: see `decode`.
            EstimateOverDeadline: refused before it is decoded, or once it is known how often the network has to see it.
            QueueFull: likewise.
            FormatCannotHold: refused before the network sees it.
            EngineFailed, ClientGone, DeadlinePassed: while it was worked on.
        """
        with work.span("decode"):
            name = message.format or known_format(message.image)
            sizes = measure(message.image, self._limits)
        pixels = sum(height * width for height, width in sizes)
        least = self._picture_upscaler.min_cost_of(sizes)
        self._check_estimate(least, sizes, work)
        with self._admission.admitted(work, pixels * FORMATS[name].memory, least) as admitted:
            work.pixels = pixels
            with work.span("decode"):
                picture = decode(message.image, self._limits)
            check_can_hold(picture, self._picture_upscaler.facts.scale, name)
            cost = self._picture_upscaler.cost_of(picture)
            self._check_estimate(cost, sizes, work)
            self._admission.correct(admitted, cost)
            work.accepted(
                self._plan(picture, name, admitted.cost.tiles, lambda: self._admission.seconds_left(admitted))
            )
            enlarged = self._picture_upscaler.enlarge(picture, work)
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

    def _plan(self, picture: Picture, name: FormatName, tiles: int, seconds_left: Callable[[], float]) -> Plan:
        scale = self._picture_upscaler.facts.scale
        return Plan(
            picture=picture,
            format=name,
            width=picture.width * scale,
            height=picture.height * scale,
            tiles=tiles,
            ahead=self._admission.requests - 1,
            seconds_left=seconds_left,
        )

    def _check_estimate(self, cost: Cost, sizes: Sequence[Size], work: Work) -> None:
        seconds = self._picture_upscaler.seconds_for(cost.area)
        if seconds > work.timeout:
            # Nobody is refused for what the machine was like some time ago. For the request that is waiting: none of
            # its own pixels is worked on.
            with work.span("queue"):
                self._picture_upscaler.measure_speed(work, SPEED_HOLDS)
            seconds = self._picture_upscaler.seconds_for(cost.area)
        if seconds > work.timeout:
            height, width = sizes[0]
            frames = f" in {len(sizes)} frames" if len(sizes) > 1 else ""
            raise EstimateOverDeadline(
                f"{width} x {height} px{frames} would take about {seconds:.0f} s on this machine;"
                f" a request may take {work.timeout:g} s: send a smaller picture, or raise {work.timeout_setting}",
                limit=work.timeout,
                actual=round(seconds, 1),
                setting=work.timeout_setting,
            )
