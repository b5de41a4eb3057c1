"""`GET /readyz`."""

from message_protocol import ReadyOutput
from superscaling.enlarging import LoadedModels
from superscaling.scheduling import Deadline, Timings


class ResourceReady:
    """Says whether every model's engine can be trusted with a picture."""

    def __init__(self, models: LoadedModels) -> None:
        self._models = models

    def main(self, deadline: Deadline, timings: Timings) -> ReadyOutput:
        """Answer. After a failed inference the known answer is tested again.

        Raises:
            EngineFailed: an engine is not ready.
            ClientGone, DeadlinePassed, ServiceStopping: from `deadline`, while waiting for a turn.
        """
        for model in self._models:
            model.upscaler.check(deadline, timings)
        facts = self._models.default.facts
        return ReadyOutput(
            model=facts.model,
            engine=facts.engine,
            precision=facts.precision,
            threads=facts.threads,
            views=facts.views,
        )
