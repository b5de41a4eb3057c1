"""What is asked of an image file, whoever asks: a request, a job or the command line."""

from dataclasses import dataclass, field

from superscaling.format_name import FormatName
from superscaling.metadata_choice import MetadataChoice
from superscaling.size_choice import SizeChoice


@dataclass(frozen=True)
class UpscaleOptions:
    """`size`: of the result; `format`: of the result, None: that of the file.

    `model`: its name, None: the default; `strength`: share of the model in the result, 0 to 1; `quality`: of lossy
    results, 1 to 100, None: the default; `metadata`: which the result keeps.
    """

    size: SizeChoice = field(default_factory=SizeChoice)
    format: FormatName | None = None
    model: str | None = None
    strength: float = 1.0
    quality: int | None = None
    metadata: MetadataChoice = MetadataChoice.KEEP
