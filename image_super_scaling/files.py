"""Files that are there whole or not at all."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def written_whole(target: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """Write a file by another one beside it, which takes its name once the block has ended without an exception.

    It can be read and sought as well. Without `replace`, an existing `target` stays.

    Raises:
        FileExistsError: `target` exists, also if it appeared meanwhile.
        OSError: it can't be written.
    """
    part = target.with_name(f".upscale-{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        with open(descriptor, "w+b") as file:
            yield file
        if not replace:
            _claim(part, target)
        else:
            os.replace(part, target)
        part.unlink(missing_ok=True)
    except BaseException:  # also Ctrl-C; a second one could cut a `finally` short
        part.unlink(missing_ok=True)
        raise


def _claim(part: Path, target: Path) -> None:
    """Rename `part` to `target` unless that exists.

    Raises:
        FileExistsError: it exists.
    """
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, such as FAT: an empty file reserves the name
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            os.replace(part, target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
