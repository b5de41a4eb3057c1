"""The names of queues: who takes a block from one must make the same pixels as all others who do.

    python -m jobs.queues

prints those that workers with these settings take from, one a line.
"""

import hashlib
import re
import sys

from superscaling.assembly import ModelIdentity, identify_models
from superscaling.enlarging import LoadedModels
from superscaling.errors import StartError
from superscaling.settings import read_settings
from superscaling.upscale_options import UpscaleOptions

# A queue's name has at most 255 bytes.
MAX_NAME = 100


def queue_of(models: LoadedModels, options: UpscaleOptions) -> str:
    """The queue of a picture: model, precision, and a fingerprint of all else that decides about its pixels.

    Raises:
        UnknownModel: the model is not loaded.
    """
    model = models.named(options.model)
    return queue_named(ModelIdentity(model.name, model.facts.precision, model.fingerprint, model.milder_fingerprint))


def queue_named(model: ModelIdentity) -> str:
    """The name of the queue of a model's blocks, in letters, digits, dots, dashes and underscores."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", model.name)[:MAX_NAME]
    # With the name, which a job is asked for by: two may become the same here.
    decisive = f"{model.name}\n{model.fingerprint}\n{model.milder_fingerprint}"
    return f"{name}.{model.precision}.{hashlib.sha256(decisive.encode()).hexdigest()[:8]}"


def whole_queue(queue: str) -> str:
    """The queue of the steps that need a whole picture, plan and join, so that they don't wait behind blocks."""
    return f"{queue}.whole"


def main() -> int:
    """Run the command line; returns the exit status."""
    try:
        queues = [queue_named(model) for model in identify_models(read_settings())]
    except StartError as exc:
        print(exc, file=sys.stderr)
        return 1
    for queue in queues:
        print(queue, whole_queue(queue), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
