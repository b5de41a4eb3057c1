"""`GET /readyz`."""

from message_protocol import ReadyOutput
from superscaling.enlarging import Upscaler
from superscaling.scheduling import Work


class ResourceReady:
    """Says whether the engine is to be trusted with a picture."""

    def __init__(self, upscaler: Upscaler) -> None:
        self._upscaler = upscaler

    def main(self, work: Work) -> ReadyOutput:
        """Answer; after a failed inference the known answer is asked for again.

        Raises:
            EngineFailed: the engine is not ready.
        """
        self._upscaler.check(work)
        facts = self._upscaler.facts
        return ReadyOutput(
            model=facts.model,
            engine=facts.engine,
            precision=facts.precision,
            threads=facts.threads,
            views=facts.views,
        )
