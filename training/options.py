"""Options of a training run, and its command line."""

import argparse
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from superscaling.models import LITE, Architecture
from training.degradation import Degradation
from training.errors import TrainingError
from training.examples import LOW_EDGE


def option(help_text: str, default: Any = MISSING, **more: Any) -> Any:
    """Declare a field that is also a command line option; `more` goes to argparse."""
    return field(default=default, metadata={"help": help_text, **more})


@dataclass(frozen=True)
class Options:
    """The options of a training run."""

    photographs: tuple[Path, ...] = option("folders of photographs", nargs="+", type=Path)
    output: Path = option("folder for the checkpoint and the weights", type=Path)
    name: str = option("name of the weight file, NAME.weights.h5", "network")
    start: Path | None = option(
        "weight file of the same or a smaller network to start from, instead of bilinear interpolation",
        None,
        type=Path,
    )
    resume: bool = option("resume from the checkpoint in the output folder", False, action="store_true")
    evaluation: tuple[Path, ...] = option("folders of test images", (), nargs="+", type=Path)

    c: int = option("convolutions per dense block", LITE.c, type=int)
    d: int = option("dense blocks", LITE.d, type=int)
    g: int = option("channels added by each convolution (growth rate)", LITE.g, type=int)
    g0: int = option("channels between blocks", LITE.g0, type=int)
    scale: int = option("enlargement factor", LITE.scale, type=int)
    upscaling: str = option("upsampling layer, by ISR's name", LITE.upscaling, choices=("shuffle", "ups"))

    hours: float = option("training time, added to --minutes", 0.0, type=float)
    minutes: float = option("training time, added to --hours", 0.0, type=float)
    steps: int = option("stop after this many steps (a multiple of --together); 0: no limit", 0, type=int)
    learning_rate: float = option("learning rate after the warm-up; then a cosine to 0", 8e-4, type=float)
    warm_up: int = option("steps of the linear warm-up", 200, type=int)
    average: float = option("decay of the moving average of the weights", 0.999, type=float)
    batch: int = option("patches per step", 16, type=int)
    patch: int = option("edge of a patch in low-resolution px", 48, type=int)
    precision: str = option("arithmetic in the blocks", "float32", choices=("float32", "mixed_bfloat16"))
    together: int = option(
        "steps per call, with one learning rate; use many on a GPU, so that it does not wait for Python",
        1,
        type=int,
    )

    drawings: float = option("share of drawings among the examples", 0.1, type=float)
    pool: int = option("examples in the pool that patches are cut from", 1024, type=int)
    reuse: int = option("patches cut from an example, on average", 4, type=int)
    workers: int = option("processes that make examples", 1, type=int)
    seed: int = option("random seed", 0, type=int)
    checkpoint_minutes: float = option("time between checkpoints", 10.0, type=float)
    evaluate_often: bool = option("evaluate at every checkpoint, not only at the end", False, action="store_true")

    @property
    def architecture(self) -> Architecture:
        """The network's dimensions."""
        return Architecture(self.c, self.d, self.g, self.g0, self.scale, self.upscaling)

    @property
    def seconds(self) -> float:
        """Training time in s; infinite if only the steps are limited."""
        return (self.hours * 60 + self.minutes) * 60 or float("inf")

    def check(self) -> None:
        """Validate the options.

        Raises:
            TrainingError: an option has an invalid value, or no limit is given.
        """
        if self.seconds == float("inf") and not self.steps:
            raise TrainingError("say how long to train: --hours, --minutes or --steps")
        if not 16 <= self.patch <= LOW_EDGE:
            raise TrainingError(f"--patch {self.patch}: it has to be from 16 to {LOW_EDGE}")
        if not 0 <= self.drawings <= 1:
            raise TrainingError(f"--drawings {self.drawings}: a share is from 0 to 1")
        for name in ("c", "d", "g", "scale", "together", "batch", "pool", "reuse", "workers", "learning_rate"):
            if getattr(self, name) <= 0:
                raise TrainingError(f"--{name.replace('_', '-')} {getattr(self, name)}: it has to be more than 0")
        if self.g0 < 3:
            raise TrainingError(f"--g0 {self.g0}: the three colours need 3 channels to begin with")

    def as_json(self) -> dict[str, Any]:
        """All options and the parameters of the degradation, for the checkpoint."""
        values: dict[str, Any] = asdict(self) | {"degradation": asdict(Degradation())}
        for name in ("photographs", "evaluation"):
            values[name] = [str(path) for path in values[name]]
        for name in ("output", "start"):
            values[name] = values[name] and str(values[name])
        return values


def read_options(arguments: Sequence[str], description: str) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.train", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for each in fields(Options):
        settings = dict(each.metadata)
        if each.default is MISSING:
            settings["required"] = True
        else:
            settings["default"] = each.default
            settings["help"] += "" if each.default in (None, False, ()) else f" (default {each.default})"
        parser.add_argument(f"--{each.name.replace('_', '-')}", **settings)
    values: dict[str, Any] = vars(parser.parse_args(arguments))
    for name in ("photographs", "evaluation"):
        values[name] = tuple(values[name])
    return Options(**values)
