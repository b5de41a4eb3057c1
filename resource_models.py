"""`GET /models`."""

from message_protocol import ModelOutput, ModelsOutput
from superscaling.enlarging import LoadedModel, LoadedModels
from superscaling.geometry import MEGAPIXEL, Cost


class ResourceModels:
    """Lists the models that requests may ask for."""

    def __init__(self, models: LoadedModels) -> None:
        self._models = models

    def main(self) -> ModelsOutput:
        """Answer with all models, the default first."""
        return ModelsOutput([self._described(model) for model in self._models])

    def _described(self, model: LoadedModel) -> ModelOutput:
        facts = model.facts
        return ModelOutput(
            name=model.name,
            default=model is self._models.default,
            scale=facts.scale,
            strength=model.milder is not None,
            kind=facts.kind,
            engine=facts.engine,
            precision=facts.precision,
            device=facts.device,
            threads=facts.threads,
            views=facts.views,
            halo=facts.halo,
            seconds_per_megapixel=round(model.upscaler.seconds_for(Cost(area=MEGAPIXEL * facts.views)), 3) or None,
            memory_bytes=model.memory,
            sha256=model.sha256,
            licence=model.licence,
        )
