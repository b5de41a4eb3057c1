"""`GET /readyz`."""

from message_protocol import ReadyOutput
from superscaling.enlarging import LoadedModels
from superscaling.errors import EngineFailed
from superscaling.scheduling import Deadline, Timings


class ResourceReady:
    """Says whether every model's engine can be trusted with a picture."""

    def __init__(self, models: LoadedModels) -> None:
        self._models = models

    def main(self, deadline: Deadline, timings: Timings) -> ReadyOutput:
        """Answer. After a failed inference the known answer is tested again.

        Raises:
            EngineFailed: engines are not ready; the message names their models.
            ClientGone, DeadlinePassed, ServiceStopping: from `deadline`, while waiting for a turn.
        """
        failures = []
        for model in self._models:
            try:
                model.check(deadline, timings)
            except EngineFailed as exc:
                failures.append(exc)
        if failures:
            raise EngineFailed("; ".join(each.detail for each in failures)) from failures[0]
        facts = self._models.default.facts
        return ReadyOutput(
            model=facts.model,
            engine=facts.engine,
            precision=facts.precision,
            threads=facts.threads,
            views=facts.views,
            models={model.name: True for model in self._models},
        )
