"""`POST /upscale`."""

from collections.abc import Sequence
from dataclasses import replace

from message_protocol import UpscaleInput, UpscaleOutput
from superscaling.enlarging import (
    LoadedModels,
    PictureUpscaler,
    check_results,
    choose_least_sizes,
    choose_sizes,
    cropped,
)
from superscaling.format_name import FormatName
from superscaling.isolation import Decoder
from superscaling.pictures import FORMATS, Limits, Size, check_can_hold, encode
from superscaling.scheduling import NO_LISTENER, Admission, Deadline, Demand, Plan, ProgressListener, Timings
from superscaling.size_choice import ResultSize


class ResourceUpscale:
    """Decodes, enlarges and encodes one image.

    Args:
        models: enlarge pictures.
        admission: admits them.
        limits: of input pictures.
        quality: of JPEG, WebP and AVIF results if the message has none, 1 to 100.
        decoder: reads pictures.
    """

    def __init__(
        self,
        models: LoadedModels,
        admission: Admission,
        limits: Limits,
        quality: int,
        decoder: Decoder,
    ) -> None:
        self._models = models
        self._admission = admission
        self._limits = limits
        self._quality = quality
        self._decoder = decoder

    def main(
        self, message: UpscaleInput, deadline: Deadline, timings: Timings, listener: ProgressListener = NO_LISTENER
    ) -> UpscaleOutput:
        """Answer with the enlarged picture, in its own format (HEIC: another) unless the message asks for one.

        Raises:
            UnknownModel, StrengthNotOffered: the model is not loaded, or has no strength to choose.
            UnsupportedImage, UnsupportedMode, ImageCorrupt, ImageUndecodable: the file can't be read.
            ImageTooLarge, TooManyFrames, ImageTooComplex: it is beyond a limit.
            SizeOutOfRange, ResultTooLarge: the result would be.
            EstimateOverDeadline, QueueFull: it can't be finished in time; raised before inference.
            FormatCannotHold: the format can't store the result; raised before inference.
            DecoderUnavailable: there is no decoder at the moment.
            EngineFailed: during inference.
            ClientGone, DeadlinePassed, ServiceStopping: during decoding or inference.
        """
        model = self._models.chosen(message.model, message.strength)
        with timings.span("decode"):
            inspected = self._decoder.inspect(message.image, self._limits, deadline, timings)
        name = message.format or inspected.format
        notes = () if message.format else inspected.notes
        demand = self._demand(
            model, inspected.sizes, choose_least_sizes(inspected.sizes, message.size, model.facts), name
        )
        with self._admission.admitted(demand, deadline, timings) as admitted:
            timings.pixels = demand.input_pixels
            with timings.span("decode"):
                picture = inspected.decode()
            results = choose_sizes(picture.sizes, message.size, model.facts)
            demand = self._demand(model, picture.sizes, results, name)
            picture = cropped(picture, results)
            check_can_hold(picture, [(result.height, result.width) for result in results], name)
            demand = replace(demand, cost=model.cost_of(picture, results))
            self._admission.correct(admitted, demand)
            timings.tiles = demand.cost.tiles
            listener.accepted(
                Plan(
                    picture=picture,
                    format=name,
                    sizes=[(result.height, result.width) for result in results],
                    tiles=demand.cost.tiles,
                    ahead=self._admission.requests - 1,
                    seconds_left=lambda: self._admission.seconds_left(admitted),
                )
            )
            enlarged = model.enlarge(picture, deadline, timings, listener, results)
            del picture  # encoding takes the most memory
            deadline.check(timings)
            with timings.span("encode"):
                encoded = encode(enlarged, name, message.quality, self._quality, message.metadata)
        return UpscaleOutput(
            image=encoded.data,
            format=name,
            width=enlarged.width,
            height=enlarged.height,
            notes=notes + enlarged.notes + encoded.notes + _ignored(message, name),
        )

    def _demand(
        self, model: PictureUpscaler, sizes: Sequence[Size], results: Sequence[ResultSize], name: FormatName
    ) -> Demand:
        check_results(results, self._limits)
        demand = model.demand_of(sizes, results, name)
        self._limits.check_memory(demand.pixels, demand.input_pixels, name, demand.memory)
        return demand


def _ignored(message: UpscaleInput, name: FormatName) -> tuple[str, ...]:
    """A note on the options that do not apply to a result of the format `name`."""
    if message.quality is None or FORMATS[name].has_quality:
        return ()
    return (f"'quality' was ignored, as {name} has none",)
