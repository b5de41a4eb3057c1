"""`GET /readyz`."""

from message_protocol import ReadyOutput
from superscaling.enlarging import Upscaler
from superscaling.scheduling import Deadline, Timings


class ResourceReady:
    """Says whether the engine can be trusted with a picture."""

    def __init__(self, upscaler: Upscaler) -> None:
        self._upscaler = upscaler

    def main(self, deadline: Deadline, timings: Timings) -> ReadyOutput:
        """Answer. After a failed inference the known answer is tested again.

        Raises:
            EngineFailed: the engine is not ready.
            ClientGone, DeadlinePassed, ServiceStopping: from `deadline`, while waiting for a turn.
        """
        self._upscaler.check(deadline, timings)
        facts = self._upscaler.facts
        return ReadyOutput(
            model=facts.model,
            engine=facts.engine,
            precision=facts.precision,
            threads=facts.threads,
            views=facts.views,
        )
