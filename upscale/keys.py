"""The API key of a service. It is no option itself: whoever lists processes would see it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from image_super_scaling.settings import API_KEY
from superscaling.settings import CLIENT_KEY, read_client_key
from upscale.errors import UsageError

STDIN = "-"


def read_key(key_file: str | None, inputs: Sequence[str]) -> str | None:
    """Read the key that is sent to a service.

    Args:
        key_file: a file that has it as its only line; `-` is standard input; None: the environment may have one.
        inputs: the images, which may need standard input as well.

    Returns:
        None: there is no key.

    Raises:
        UsageError: the file can't be read, or what should be a key is none. The message does not show it.
    """
    if key_file is None:
        return _checked(key, CLIENT_KEY) if (key := read_client_key()) else None
    if key_file == STDIN and STDIN in inputs:
        raise UsageError("--key-file - and the image can't both come from standard input: write the key to a file")
    try:
        text = sys.stdin.readline() if key_file == STDIN else Path(key_file).read_text()
    except OSError as exc:
        raise UsageError(f"--key-file {key_file}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise UsageError(f"--key-file {key_file}: it is no text") from exc
    return _checked(text.strip(), f"--key-file {key_file}")


def _checked(key: str, source: str) -> str:
    if not API_KEY.fullmatch(key):
        raise UsageError(f"{source} must have one API key, of letters, digits and any of . _ ~ + / = -")
    return key
