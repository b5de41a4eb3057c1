"""A layer of an ncnn model: its parameters, each asked for by its number."""

from collections.abc import Sequence

from superscaling.errors import ModelUnavailable

# The largest magnitude of a whole parameter.
MAX_NUMBER = 1 << 30
# Of windows and of what is added around a picture, in px.
MAX_KERNEL = 64
MAX_PADDING = 1024
# Parameters that say how ncnn runs a layer, not what it computes: implementation, shapes, features.
HINTS = {17, 30, 31}

Value = int | float | tuple[float, ...]


class Layer:
    """A line of the `.param` file.

    Args:
        kind: ncnn's name of the operation.
        name: of this layer.
        inputs: names of the blobs that it takes.
        outputs: names of those that it makes.
        parameters: by their number, which the kind gives a meaning.
    """

    def __init__(
        self, kind: str, name: str, inputs: Sequence[str], outputs: Sequence[str], parameters: dict[int, Value]
    ) -> None:
        self.kind, self.name, self.inputs, self.outputs = kind, name, inputs, outputs
        self._parameters = parameters
        self._asked = set(HINTS)

    def __str__(self) -> str:
        return f"layer {self.name!r} ({self.kind!r})"

    def whole(self, number: int, default: int, least: int = 0, most: int = MAX_NUMBER) -> int:
        """A whole parameter.

        Raises:
            ModelUnavailable: it is no whole number from `least` to `most`.
        """
        value = self._get(number, default)
        if not isinstance(value, int) or not least <= value <= most:
            shown = f"{value:g}" if isinstance(value, float) else value
            raise self.refuse(f"parameter {number} is {shown}, and must be a whole number from {least} to {most}")
        return value

    def pair(self, number: int, default: int, most: int) -> list[int]:
        """(height, width), from 1 to `most`: the latter has this number, the former, by default the same, 10 more.

        Raises:
            ModelUnavailable: one is out of range.
        """
        width = self.whole(number, default, 1, most)
        return [self.whole(10 + number, width, 1, most), width]

    def real(self, number: int, default: float) -> float:
        """A parameter that may be a fraction.

        Raises:
            ModelUnavailable: it is an array.
        """
        value = self._get(number, default)
        if isinstance(value, tuple):
            raise self.refuse(f"parameter {number} is a list, and must be a number")
        return float(value)

    def array(self, number: int) -> tuple[float, ...]:
        """A parameter with several values; empty if it is missing.

        Raises:
            ModelUnavailable: it is a single number.
        """
        value = self._get(number, ())
        if not isinstance(value, tuple):
            raise self.refuse(f"parameter {number} is a number, and must be a list")
        return value

    def wholes(self, number: int) -> list[int]:
        """A parameter with several whole values; empty if it is missing.

        Raises:
            ModelUnavailable: it is a single number, or one of them is not whole.
        """
        values = []
        for value in self.array(number):
            if not isinstance(value, int):
                raise self.refuse(f"parameter {number} has the value {value:g}, and must have whole numbers")
            values.append(value)
        return values

    def expect(self, number: int, value: float, meaning: str) -> None:
        """Make sure that a parameter is missing or `value`.

        Raises:
            ModelUnavailable: it is another; `meaning` says what is not supported.
        """
        if self._get(number, value) != value:
            raise self.refuse(f"{meaning} is not supported (parameter {number})")

    def check_all_asked(self) -> None:
        """Make sure that no parameter was left out: it would change the result.

        Raises:
            ModelUnavailable: there is one.
        """
        if rest := sorted(number for number in self._parameters if number not in self._asked):
            raise self.refuse(f"parameter {rest[0]} is not supported")

    def refuse(self, reason: str) -> ModelUnavailable:
        """The error for this layer. (To be raised.)"""
        return ModelUnavailable(f"{self}: {reason}")

    def _get(self, number: int, default: Value) -> Value:
        self._asked.add(number)
        return self._parameters.get(number, default)
