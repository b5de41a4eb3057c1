"""Reads a file whose size is bounded."""

from pathlib import Path

from superscaling.errors import ModelUnavailable


def read_bounded(path: Path, limit: int) -> bytes:
    """The bytes of a file.

    Raises:
        ModelUnavailable: it can't be read, or has more than `limit` bytes.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as exc:
        raise ModelUnavailable(f"{path} can't be read: {exc.strerror or exc}") from exc
    if len(data) > limit:
        raise ModelUnavailable(f"{path.name} is larger than the {limit} bytes that are read")
    return data
