"""The models of this process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from superscaling.engines import EngineFacts
from superscaling.enlarging.mixture import Mixture
from superscaling.enlarging.picture_upscaler import PictureUpscaler
from superscaling.enlarging.upscaler import Upscaler
from superscaling.errors import EngineFailed, StrengthNotOffered, UnknownModel
from superscaling.resident_memory import resident_bytes
from superscaling.scheduling import Deadline, Timings

# Characters of a name that an error message repeats.
MAX_ECHOED = 100


@dataclass
class LoadedModel:
    """A model that is ready to enlarge.

    `sha256`: of the weights; `licence`: of the weights; `memory`: bytes by which this process grew when the model was
    loaded and warmed up. (A full tile takes more, once there was one.) `milder`: the sibling of which a strength below
    1 takes a share; None: the model has no strength. `owns_milder`: whether no other model warms the sibling up, and
    counts its memory. `fingerprint`: see `superscaling.engines.fingerprint_of`; `milder_fingerprint`: of the sibling.
    """

    upscaler: Upscaler
    picture_upscaler: PictureUpscaler
    sha256: str
    licence: str
    memory: int
    milder: Upscaler | None = None
    owns_milder: bool = False
    fingerprint: str = ""
    milder_fingerprint: str = ""

    @property
    def facts(self) -> EngineFacts:
        """The model and how it is run."""
        return self.upscaler.facts

    @property
    def name(self) -> str:
        """What requests call it."""
        return self.facts.model

    def at(self, strength: float) -> PictureUpscaler:
        """What enlarges at a strength from 0 to 1.

        Raises:
            StrengthNotOffered: the model has no milder sibling, so only the strength 1.
        """
        if strength == 1:
            return self.picture_upscaler
        if self.milder is None:
            raise StrengthNotOffered(f"the model {self.name} has no strength to choose: leave 'strength' out")
        return PictureUpscaler(Mixture(self.upscaler, self.milder, strength))

    def check(self, deadline: Deadline, timings: Timings) -> None:
        """Make sure that the model can be trusted at every strength; a sibling that is a model itself is checked there.

        Raises:
            EngineFailed: it, or its sibling, can't.
            ClientGone, DeadlinePassed, ServiceStopping: from `deadline`, while waiting for a turn.
        """
        self.upscaler.check(deadline, timings)
        if self.milder is not None and self.owns_milder:
            try:
                self.milder.check(deadline, timings)
            except EngineFailed as exc:
                raise EngineFailed(f"{self.name} can't mix in its milder sibling: {exc.detail}") from exc

    def warm_up(self) -> None:
        """Test the known answer and measure the speed, before any request; what that takes of memory counts.

        Raises:
            EngineFailed: the engine raised, its answer is wrong, or it took longer than `START_TIMEOUT`.
        """
        before = resident_bytes()
        try:
            self.upscaler.warm_up()
            if self.milder is not None and self.owns_milder:
                self.milder.warm_up()
        finally:
            self.memory += max(0, resident_bytes() - before)


class LoadedModels:
    """Models by name.

    Args:
        models: at least one; the first is the default.

    Raises:
        ValueError: two have the same name.
    """

    def __init__(self, models: Sequence[LoadedModel]) -> None:
        self._models = {model.name: model for model in models}
        if len(self._models) < len(models):
            raise ValueError(f"of {', '.join(model.name for model in models)}, two have the same name")
        self.default = models[0]

    def __iter__(self) -> Iterator[LoadedModel]:
        """All, the default first."""
        return iter(self._models.values())

    def named(self, name: str | None) -> LoadedModel:
        """The model of this name; None: the default.

        Raises:
            UnknownModel: it is not loaded.
        """
        if name is None:
            return self.default
        if name not in self._models:
            raise UnknownModel(
                f"the model {name[:MAX_ECHOED]!r} is not loaded; loaded are {', '.join(self._models)}: ask for one of"
                " them",
                setting="models",
            )
        return self._models[name]

    def chosen(self, name: str | None, strength: float) -> PictureUpscaler:
        """What enlarges for a request.

        Args:
            name: of the model; None: the default.
            strength: from 0 to 1.

        Raises:
            UnknownModel: it is not loaded.
            StrengthNotOffered: it has only the strength 1.
        """
        try:
            return self.named(name).at(strength)
        except StrengthNotOffered as exc:
            others = [each.name for each in self if each.milder is not None]
            remedy = f", or ask for the model {' or '.join(others)}, which has" if others else ""
            raise StrengthNotOffered(f"{exc.detail}{remedy}", setting=None if others else "models") from exc
