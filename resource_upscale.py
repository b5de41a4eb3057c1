"""`POST /upscale`."""

from dataclasses import replace

from message_protocol import UpscaleInput, UpscaleOutput
from superscaling.enlarging import FileUpscaler, LoadedModels
from superscaling.isolation import Decoder, Handover
from superscaling.pictures import Limits
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
            enlarged = Handover(file.model.enlarge(decoded.picture, deadline, timings, listener, decoded.results))
            del decoded  # encoding takes the most memory
            deadline.check(timings)
            result = self._files.encode(file, enlarged, deadline, timings)
        return UpscaleOutput(
            image=result.data, format=result.format, width=result.width, height=result.height, notes=result.notes
        )
