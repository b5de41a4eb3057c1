"""What can be asked for (docs/http-api.md has the meaning of each). Numbers may also be texts, such as "1.5"."""

import re
from collections.abc import Mapping
from typing import TypedDict

Number = int | float | str


class Options(TypedDict, total=False):
    """Of an image: its size by `scale`, or by `width` and `height` in px and `fit`; all else of the result.

    `image_url`: where the image is, instead of the image, if the operator allows its host; `on_error`: `original`, if
    the result is to be the image as it was sent where it can't be enlarged, which the notes then say.
    """

    scale: Number
    width: Number
    height: Number
    fit: str
    format: str
    quality: Number
    metadata: str
    model: str
    strength: Number
    image_url: str
    on_error: str


class StreamOptions(Options, total=False):
    """Of a stream. `tiles`: whether it has the finished parts of the result."""

    tiles: bool


class JobOptions(Options, total=False):
    """Of a job. `group`: a name for jobs that belong together; `webhook`: an address that is told its end."""

    group: str
    webhook: str


class ConversionOptions(TypedDict, total=False):
    """Of a result in another format."""

    format: str
    quality: Number
    metadata: str


class EstimateOptions(TypedDict, total=False):
    """Of an estimate: `target_width` and `target_height` are what `width` and `height` are for an image."""

    frames: Number
    scale: Number
    target_width: Number
    target_height: Number
    fit: str
    format: str
    model: str
    strength: Number
    metadata: str


def as_query(options: Mapping[str, object], known: type[Mapping[str, object]]) -> dict[str, str]:
    """The query of a request. None means that an option is not given.

    Raises:
        TypeError: an option is not one of `known`.
    """
    names = known.__annotations__
    if unknown := options.keys() - names.keys():
        raise TypeError(f"{sorted(unknown)[0]!r} is no option; known are {', '.join(names)}")
    return {_wire_name(name): _wire_value(value) for name, value in options.items() if value is not None}


def _wire_name(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def _wire_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
