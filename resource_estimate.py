"""`GET /estimate`."""

from collections.abc import Callable
from dataclasses import replace

from message_protocol import EstimateInput, EstimateOutput
from superscaling.enlarging import LoadedModels, check_results, choose_sizes
from superscaling.pictures import FORMATS, Limits, check_count, check_size
from superscaling.scheduling import Admission, Deadline

# The format whose encoder takes the most memory: assumed if the question names none.
HEAVIEST = max(FORMATS.values(), key=lambda each: each.memory).name


# Seconds that an estimate may wait for a turn to measure the speed.
PATIENCE = 1.0


class ResourceEstimate:
    """Estimates the time of a picture that is not sent yet, and whether it would be admitted.

    Args:
        models: know the cost of pictures.
        admission: decides, as for `POST /upscale`.
        limits: of input pictures.
        timeout, stream_timeout: seconds that a plain and a streamed request may take.
        would_take_job: whether an image of so many px would be taken as a job now.
    """

    def __init__(
        self,
        models: LoadedModels,
        admission: Admission,
        limits: Limits,
        timeout: float,
        stream_timeout: float,
        would_take_job: Callable[[int], bool] = lambda pixels: False,
    ) -> None:
        self._models = models
        self._admission = admission
        self._limits = limits
        self._timeout = timeout
        self._stream_timeout = stream_timeout
        self._would_take_job = would_take_job

    def main(self, message: EstimateInput) -> EstimateOutput:
        """Answer for a picture of one pass per frame. (Transparency and CMYK take two, equal frames none.)

        Raises:
            UnknownModel, StrengthNotOffered: the model is not loaded, or has no strength to choose.
            ImageTooLarge, TooManyFrames: the picture is beyond a limit.
            SizeOutOfRange, ResultTooLarge: the result would be.
            FormatCannotHold: the format that is asked for can't store so large a result, or so many frames.
        """
        model = self._models.chosen(message.model, message.strength)
        self._limits.check_frames(message.frames)
        self._limits.check_pixels(message.width, message.height, message.frames)
        sizes = [(message.height, message.width)] * message.frames
        results = choose_sizes(sizes, message.size, model.facts)
        check_results(results, self._limits)
        demand = model.demand_of(sizes, results, message.format or HEAVIEST)
        demand = replace(demand, cost=demand.cost * message.frames)
        if message.format is not None:
            check_count(message.frames, message.format)
            self._limits.check_memory(demand.pixels, demand.input_pixels, message.format, demand.memory)
            check_size(results[0].height, results[0].width, message.format)
        # First the decisions: they may measure the speed anew.
        patience = Deadline(PATIENCE)
        plain, stream = (
            self._admission.would_admit(demand, timeout, patience) for timeout in (self._timeout, self._stream_timeout)
        )
        return EstimateOutput(
            width=results[0].width,
            height=results[0].height,
            tiles=demand.cost.tiles,
            seconds=round(model.seconds_for(demand.cost), 2),
            queue_seconds=round(self._admission.seconds_beside(demand.cost), 2),
            ahead=self._admission.requests,
            plain=plain,
            stream=stream,
            job=self._would_take_job(demand.input_pixels),
        )
