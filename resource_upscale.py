"""`POST /upscale`."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Protocol

from message_protocol import Kept, UpscaleInput, UpscaleOutput
from superscaling.enlarging import EnlargedFile, FileUpscaler, LoadedModels
from superscaling.isolation import Decoder, Handover
from superscaling.pictures import Limits, Picture
from superscaling.scheduling import (
    NO_BUDGET,
    NO_LISTENER,
    Admission,
    Budget,
    Deadline,
    Plan,
    ProgressListener,
    Timings,
)


class Keeper(Protocol):
    """Keeps the result of a request for a short time; see `resource_conversion.RequestKeeper`."""

    def hold(self, picture: Picture, pixels: int) -> AbstractContextManager[Callable[[EnlargedFile], Kept | None]]:
        """Hold the enlarged picture, which an image of so many `pixels` became. Yields what keeps its result."""


class ResourceUpscale:
    """Decodes, enlarges and encodes one image.

    Args:
        models: enlarge pictures.
        admission: admits them.
        limits: of input pictures.
        quality: of JPEG, WebP and AVIF results if the message has none, 1 to 100.
        decoder: reads pictures, and writes them.
    """

    def __init__(
        self,
        models: LoadedModels,
        admission: Admission,
        limits: Limits,
        quality: int,
        decoder: Decoder,
    ) -> None:
        self._files = FileUpscaler(models, limits, quality, decoder)
        self._admission = admission

    def main(
        self,
        message: UpscaleInput,
        deadline: Deadline,
        timings: Timings,
        listener: ProgressListener = NO_LISTENER,
        budget: Budget = NO_BUDGET,
        keeper: Keeper | None = None,
    ) -> UpscaleOutput:
        """Answer with the enlarged picture, in its own format (HEIC: another) unless the message asks for one.

        Raises:
            ServiceError: as the steps of `FileUpscaler`, and `Budget.take`.
            EstimateOverDeadline, QueueFull: it can't be finished in time; raised before inference.
            EngineFailed: during inference.
            ClientGone, DeadlinePassed, ServiceStopping: during decoding, inference or encoding.
        """
        file = self._files.inspect(message.image, message.asked, deadline, timings)
        pixels = file.demand.input_pixels
        with budget.charged(pixels), self._admission.admitted(file.demand, deadline, timings) as admitted:
            timings.pixels = pixels
            decoded = self._files.decode(file, timings)
            encoding = self._files.encoding_seconds(decoded, deadline, timings)
            self._admission.correct(admitted, replace(decoded.demand, encoding_seconds=encoding))
            timings.tiles = decoded.demand.cost.tiles
            listener.accepted(
                Plan(
                    picture=decoded.picture,
                    format=file.format,
                    sizes=decoded.sizes,
                    tiles=decoded.demand.cost.tiles,
                    ahead=self._admission.requests - 1,
                    seconds_left=lambda: self._admission.seconds_left(admitted),
                )
            )
            picture = file.model.enlarge(decoded.picture, deadline, timings, listener, decoded.results)
            del decoded  # encoding takes the most memory
            with keeper.hold(picture, pixels) if keeper else nullcontext(_keep_nothing) as keep:
                enlarged = Handover(picture)
                del picture
                deadline.check(timings)
                result = self._files.encode(file, enlarged, deadline, timings)
                kept = keep(result)
        return UpscaleOutput(
            image=result.data,
            format=result.format,
            width=result.width,
            height=result.height,
            notes=result.notes,
            kept=kept,
        )


def _keep_nothing(result: EnlargedFile) -> Kept | None:
    return None
