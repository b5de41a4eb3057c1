"""What a request becomes: a job's record, without what only the request tells."""

import time
from dataclasses import replace

from jobs.queues import queue_of
from jobs.records import Job
from superscaling.enlarging import LoadedModels
from superscaling.format_name import FormatName
from superscaling.upscale_options import UpscaleOptions


def order_of(models: LoadedModels, options: UpscaleOptions, name: FormatName, pixels: int) -> Job:
    """The record.

    Args:
        models: that can be asked for.
        options: of the request.
        name: the format of the result.
        pixels: of the picture, all frames.

    Raises:
        UnknownModel, StrengthNotOffered: the model is not loaded, or has no strength to choose.
    """
    # By name: workers may have another default.
    options = replace(options, model=models.named(options.model).name)
    return Job(
        id="",
        owner="",
        created=time.time(),
        options=options,
        queue=queue_of(models, options),
        format=name,
        pixels=pixels,
        model=str(models.chosen(options.model, options.strength).facts),
    )
