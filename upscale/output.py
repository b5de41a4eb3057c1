"""Name and write results: each file completely or not at all, and never over a file that is to be kept."""

import contextlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import BinaryIO

from image_super_scaling.files import written_whole
from superscaling.format_name import FormatName
from superscaling.size_choice import DEFAULT_SCALE, Fit
from upscale.errors import Failed

EXISTS = "{} exists already: --force replaces it"
# Results get the first extension of their format; an input's own extension is kept, whichever of them it is.
EXTENSIONS = {
    FormatName.JPEG: (".jpg", ".jpeg", ".jpe", ".jfif"),
    FormatName.PNG: (".png", ".apng"),
    FormatName.WEBP: (".webp",),
    FormatName.TIFF: (".tif", ".tiff"),
    FormatName.BMP: (".bmp", ".dib"),
    FormatName.GIF: (".gif",),
    FormatName.AVIF: (".avif", ".avifs"),
}
FORMAT_OF = {extension: name for name, extensions in EXTENSIONS.items() for extension in extensions}
FORMAT_OF[".mpo"] = FormatName.JPEG  # several images, of which the result has one
READ_ONLY = (".heic", ".heif", ".hif")  # images whose format is not written
# What `suffix_of` returns, at the end of a name without its extension.
SUFFIX = re.compile(rf"-(x[1-8](\.[0-9]+)?|w[0-9]+(h[0-9]+(-({Fit.COVER}|{Fit.FILL}))?)?|h[0-9]+)$")


def format_named(path: PurePath) -> FormatName | None:
    """Return the format that a file's extension stands for; None if it is not that of a format that is written."""
    return FORMAT_OF.get(path.suffix.lower())


def is_named_like_image(path: PurePath) -> bool:
    """Return whether a file's extension is an image's."""
    return format_named(path) is not None or path.suffix.lower() in READ_ONLY


def with_extension(path: PurePath, name: FormatName, behind: str = "") -> str:
    """Return the file name of `path` with `behind` after its stem and an extension of the format `name`."""
    if format_named(path) is name and path.suffix.lower() in EXTENSIONS[name]:
        return path.stem + behind + path.suffix
    stem = path.stem if is_named_like_image(path) else path.name  # ".v2" is not an image's extension, so it stays
    return stem + behind + EXTENSIONS[name][0]


def suffix_of(options: Mapping[str, str]) -> str:
    """Return the end of a result's name, if it is written beside its input.

    -x2, -x1.5, -w2000, -h1000, -w800h600 (inside), -w800h600-cover or -w800h600-fill.
    """
    sides = [f"{side[0]}{int(options[side])}" for side in ("width", "height") if side in options]
    fit = options.get("fit", Fit.INSIDE) if len(sides) == 2 else Fit.INSIDE
    shape = "" if fit == Fit.INSIDE else f"-{fit}"
    return "-" + ("".join(sides) or f"x{float(options.get('scale', DEFAULT_SCALE)):g}") + shape


def check_target(target: Path, *, replace: bool, make_folder: bool) -> None:
    """Check, before any work, that a file can be written.

    Args:
        target: the file.
        replace: whether it may exist.
        make_folder: whether its folder may be missing, because `write_target` creates it.

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
            raise Failed(f"{folder} is not a folder")
    except FileNotFoundError as exc:
        raise Failed(f"there is no folder {folder}") from exc
    except OSError as exc:
        raise Failed(f"{target}: {exc.strerror}") from exc
    if not os.access(folder, os.W_OK | os.X_OK) and not _is_device(target):
        raise Failed(f"the folder {folder} is not writable")


def write_target(target: Path, data: bytes, *, replace: bool) -> None:
    """Write a file as `writing` does."""
    with writing(target, replace=replace) as file:
        file.write(data)


@contextlib.contextmanager
def writing(target: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """Write a file atomically: it is there once the block has ended without an exception. Creates a missing folder.

    The file can be read and sought as well, unless `target` is a device.

    Raises:
        Failed: it can't be written, or has appeared since `check_target`.
    """
    try:
        if _is_device(target):
            with target.open("wb") as file:
                yield file
            return
        if replace:
            target = Path(os.path.realpath(target))  # the link stays, its target is replaced
        target.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(target, replace=replace) as file:
            yield file
    except FileExistsError as exc:
        raise Failed(EXISTS.format(target)) from exc
    except OSError as exc:
        raise Failed(f"{target}: {exc.strerror}") from exc


def write_stdout(data: bytes) -> None:
    """Write to standard output.

    Raises:
        Failed: the pipe is closed, or the disk is full.
    """
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(1, view) :]
    except OSError as exc:
        raise Failed(f"standard output: {exc.strerror}") from exc


def _is_device(target: Path) -> bool:
    """Whether it is a device or a named pipe, such as /dev/null: written to, never replaced."""
    return os.path.exists(target) and not os.path.isfile(target)


def _require_missing(target: Path) -> None:
    try:
        os.lstat(target)  # lstat: a dangling link counts as existing
    except FileNotFoundError:
        return
    raise Failed(EXISTS.format(target))
