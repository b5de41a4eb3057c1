"""`GET /estimate`."""

from message_protocol import EstimateInput, EstimateOutput
from superscaling.enlarging import PictureUpscaler
from superscaling.pictures import Limits
from superscaling.scheduling import Admission, AdmittedPicture, Work


class ResourceEstimate:
    """Prices a picture before it is sent.

    Args:
        picture_upscaler: the picture upscaler.
        admission: what it would have to wait beside.
        limits: of input pictures.
        timeout, stream_timeout: seconds that a plain and a streamed request may take.
    """

    def __init__(
        self,
        picture_upscaler: PictureUpscaler,
        admission: Admission,
        limits: Limits,
        timeout: float,
        stream_timeout: float,
    ) -> None:
        self._picture_upscaler = picture_upscaler
        self._admission = admission
        self._limits = limits
        self._timeouts = (timeout, stream_timeout)

    def main(self, message: EstimateInput) -> EstimateOutput:
        """Answer for a picture that the network has to see once. (Transparent parts and CMYK take it twice.)

        Raises:
            ImageTooLarge, TooManyFrames: it would be refused for its size.
        """
        self._limits.check_frames(message.frames)
        self._limits.check_pixels(message.width, message.height, message.frames)
        scale = self._picture_upscaler.facts.scale
        cost = self._picture_upscaler.min_cost_of([(message.height, message.width)]) * message.frames
        pixels = message.width * message.height * message.frames
        seconds = self._picture_upscaler.seconds_for(cost.area)
        works = [Work(timeout, "", is_client_gone=lambda: False) for timeout in self._timeouts]
        candidates = [AdmittedPicture(work, pixels, cost) for work in works]
        plain, stream = (seconds <= each.work.timeout and self._admission.would_admit(each) for each in candidates)
        return EstimateOutput(
            width=message.width * scale,
            height=message.height * scale,
            tiles=cost.tiles,
            seconds=round(seconds, 2),
            queue_seconds=round(self._admission.seconds_beside(candidates[0]), 2),
            ahead=self._admission.requests,
            plain=plain,
            stream=stream,
        )
