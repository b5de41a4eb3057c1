"""Reads `.param`, the text that lists the layers of an ncnn model.

Format: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure. The file is not trusted: every count and
every length is bounded.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from superscaling.conversion.ncnn.layer import MAX_NUMBER, Layer, Value
from superscaling.conversion.ncnn.reading import read_bounded
from superscaling.errors import ModelUnavailable

MAGIC = "7767517"
MAX_BYTES = 4 << 20
MAX_LAYERS = 5_000
MAX_NAME = 256  # characters
MAX_BLOBS = 1024  # that a layer takes, or makes
MAX_PARAMETERS = 64  # of a layer, and values of a list among them
# A list's parameter has this number minus its own.
LISTS = -23300


def read_layers(param: Path) -> list[Layer]:
    """Read a `.param` file.

    Raises:
        ModelUnavailable: it is none, is cut off, or is too large.
    """
    try:
        lines = iter(read_bounded(param, MAX_BYTES).decode().splitlines())
    except UnicodeDecodeError:
        raise ModelUnavailable(f"{param.name} is no text: only ncnn's text form of .param is read") from None
    if next(lines, "").strip() != MAGIC:
        raise ModelUnavailable(f"{param.name} is no .param file of ncnn: its first line is not {MAGIC}")
    counts = next(lines, "").split()
    if len(counts) != 2 or not all(each.isascii() and each.isdecimal() for each in counts):
        raise ModelUnavailable(f"{param.name}: the second line must be the numbers of layers and of blobs")
    if len(counts[0]) > 9 or not 1 <= (count := int(counts[0])) <= MAX_LAYERS:
        raise ModelUnavailable(f"{param.name} claims {counts[0][:20]} layers; 1 to {MAX_LAYERS} are read")
    layers = [_layer(line, f"{param.name}, line {number}") for number, line in enumerate(lines, 3) if line.strip()]
    if len(layers) != count:
        raise ModelUnavailable(f"{param.name} has {len(layers)} layers, and claims {count}: it is cut off or damaged")
    return layers


def _layer(line: str, place: str) -> Layer:
    words = line.split()
    if len(words) < 4 or any(len(word) > MAX_NAME for word in words[:2]):
        raise ModelUnavailable(f"{place}: a layer needs a kind, a name of up to {MAX_NAME} characters and two numbers")
    inputs, outputs = (_whole(word, place, 0, MAX_BLOBS) for word in words[2:4])
    blobs, parameters = words[4 : 4 + inputs + outputs], words[4 + inputs + outputs :]
    if len(blobs) < inputs + outputs or any(len(blob) > MAX_NAME for blob in blobs):
        raise ModelUnavailable(
            f"{place}: the names of {inputs + outputs} blobs must follow, of up to {MAX_NAME} characters"
        )
    if len(parameters) > MAX_PARAMETERS:
        raise ModelUnavailable(f"{place}: {len(parameters)} parameters; at most {MAX_PARAMETERS} are read")
    return Layer(words[0], words[1], blobs[:inputs], blobs[inputs:], dict(_parameters(parameters, place)))


def _parameters(words: Iterable[str], place: str) -> Iterator[tuple[int, Value]]:
    for word in words:
        key, _, text = word.partition("=")
        number = _whole(key, place, LISTS - MAX_NUMBER, MAX_NUMBER)
        if number > LISTS:
            yield number, _number(text, place)
            continue
        length, *values = text.split(",")
        if _whole(length, place, 0, MAX_PARAMETERS) != len(values):
            raise ModelUnavailable(f"{place}: {word[:40]!r} does not have the number of values that it claims")
        yield LISTS - number, tuple(_number(value, place) for value in values)


def _number(text: str, place: str) -> int | float:
    """Whole, unless it is written with a point or an exponent."""
    if "." not in text and "e" not in text.lower():
        return _whole(text, place, -MAX_NUMBER, MAX_NUMBER)
    try:
        value = float(text) if len(text) <= MAX_NAME else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ModelUnavailable(f"{place}: {text[:40]!r} is no number")
    return value


def _whole(text: str, place: str, least: int, most: int) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 10 and least <= int(text) <= most):
        raise ModelUnavailable(f"{place}: {text[:40]!r} is no whole number from {least} to {most}")
    return int(text)
