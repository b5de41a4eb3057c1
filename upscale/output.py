"""Results: written as a whole or not at all, and over nothing that was not to be replaced."""

import os
import secrets
import stat
from pathlib import Path

from upscale.errors import Failed

EXISTS = "{} exists already: --force replaces it"


def check_target(target: Path, *, replace: bool, make_folder: bool) -> None:
    """Before the work: make sure that it can be written.

    Args:
        target: the file to write.
        replace: whether it may exist.
        make_folder: whether its folder will be made if it is missing.

    Raises:
        Failed: it can't be written.
    """
    folder = target.parent
    try:
        if os.path.isdir(target):
            raise Failed(f"{target} is a folder")
        if not replace and not _is_device(target):
            _require_missing(target)
        while make_folder and not os.path.lexists(folder):
            folder = folder.parent
        if not stat.S_ISDIR(os.stat(folder).st_mode):
            raise Failed(f"{folder} is no folder")
    except FileNotFoundError as exc:
        raise Failed(f"there is no folder {folder}") from exc
    except OSError as exc:
        raise Failed(f"{target}: {exc.strerror}") from exc
    if not os.access(folder, os.W_OK | os.X_OK) and not _is_device(target):
        raise Failed(f"the folder {folder} can't be written")


def write_target(target: Path, data: bytes, *, replace: bool) -> None:
    """Write a file that appears when all of it is there; its folder is made if it is missing.

    Raises:
        Failed: it can't be written, or has appeared since it was checked.
    """
    try:
        if _is_device(target):
            target.write_bytes(data)
            return
        if replace:
            target = Path(os.path.realpath(target))  # a link stays, and what it leads to is replaced
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(target, data, replace)
    except FileExistsError as exc:
        raise Failed(EXISTS.format(target)) from exc
    except OSError as exc:
        raise Failed(f"{target}: {exc.strerror}") from exc


def write_stdout(data: bytes) -> None:
    """Write to standard output.

    Raises:
        Failed: nobody reads it, or its disk is full.
    """
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(1, view) :]
    except OSError as exc:
        raise Failed(f"standard output: {exc.strerror}") from exc


def _is_device(target: Path) -> bool:
    """Whether it is something like /dev/null or a named pipe: written to, never replaced."""
    return os.path.exists(target) and not os.path.isfile(target)


def _require_missing(target: Path) -> None:
    try:
        os.lstat(target)  # a link that leads nowhere is there as well
    except FileNotFoundError:
        return
    raise Failed(EXISTS.format(target))


def _write_whole(target: Path, data: bytes, replace: bool) -> None:
    part = target.with_name(f".upscale-{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with open(descriptor, "wb") as file:
            file.write(data)
        if not replace:
            _claim(part, target)
        else:
            os.replace(part, target)
        part.unlink(missing_ok=True)
    except BaseException:  # Ctrl-C, too, which may come at any moment: hence no `finally`, which it could cut short
        part.unlink(missing_ok=True)
        raise


def _claim(part: Path, target: Path) -> None:
    """Give `part` its name, if nobody else has it.

    Raises:
        FileExistsError: somebody has.
    """
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, as on memory cards: an empty file takes the name first
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            os.replace(part, target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
