"""What is large, on its way to where it is used last."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Handover(Generic[T]):
    """Hands over a value: whoever takes it is the last to hold it, and frees it when it is no longer needed.

    The variables of callers would hold an argument until the call returns.
    """

    def __init__(self, value: T) -> None:
        self._values = [value]

    def take(self) -> T:
        """The value. To be called once."""
        return self._values.pop()
