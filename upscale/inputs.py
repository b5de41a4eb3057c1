"""Find the images that the command line names: files, folders, and patterns that no shell has expanded."""

import glob
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from superscaling.format_name import FormatName
from superscaling.recognition.foreign import name_foreign_image
from superscaling.recognition.kinds import answer_format, describe_unsupported
from upscale.errors import Failed
from upscale.output import SUFFIX, is_named_like_image

PATTERN = re.compile(r"[*?[]")
NO_IMAGE = "not an image"
HEAD = 1 << 16  # bytes; the directory of a HEIC, which says what it can be answered as, has a few thousand


@dataclass(frozen=True)
class Source:
    """An image file. `place` is the path of its result below an output folder; `is_found`: in a folder."""

    path: Path
    place: Path
    is_found: bool = False


@dataclass
class Inputs:
    """What was found.

    `failures` has names and reasons. `skipped` counts files in folders by the reason. `several` is whether the command
    line may name more than one image, however many there are now.
    """

    sources: list[Source] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    several: bool = False

    @property
    def notes(self) -> list[str]:
        """What was skipped, in a line; nothing if nothing was."""
        skipped = [f"{what} ({count})" for what, count in sorted(self.skipped.items())]
        return [f"skipped in folders: {', '.join(skipped)}"] if skipped else []


def find_inputs(words: tuple[str, ...], output: str | None) -> Inputs:
    """Find the images that `words` name, each once.

    Args:
        words: files, folders, patterns.
        output: a folder that is not searched. None: results go beside their inputs, and results of earlier runs are
            skipped.
    """
    found = Inputs(several=len(words) > 1)
    for word in words:
        if os.path.lexists(word) or not PATTERN.search(word):
            names = [word]
        else:
            found.several = True
            names = sorted(glob.glob(word, recursive=True))
            if not names:
                found.failures.append((word, "no file matches"))
        for name in names:
            if os.path.isdir(name):
                found.several = True
                _walk(Path(name), output, found)
            else:
                found.sources.append(Source(Path(name), Path(Path(name).name)))
    once = {os.path.abspath(source.path): source for source in reversed(found.sources)}
    found.sources = list(reversed(once.values()))
    return found


def format_of(path: Path) -> FormatName:
    """Return the format that the result of an image file has by default, by the file's first bytes.

    Raises:
        Failed: it can't be read, or is not an image of a supported format.
    """
    try:
        head = _head(path)
    except OSError as exc:
        raise Failed(str(exc.strerror)) from exc
    name = answer_format(head)
    if name is None:
        raise Failed(describe_unsupported(head))
    return name


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def _walk(folder: Path, output: str | None, found: Inputs) -> None:
    """Find the images in a folder and its subfolders, without hidden ones and links to folders."""
    for path in _files(folder, output, found):
        if output is None and (suffix := SUFFIX.search(path.stem)):
            found.skipped[f"named *{suffix[0]}.*, like results"] += 1
        elif (reason := _reason_to_skip(path)) is None:
            found.sources.append(Source(path, path.relative_to(folder), is_found=True))
        else:
            found.skipped[reason] += 1


def _files(folder: Path, output: str | None, found: Inputs) -> Iterator[Path]:
    def unreadable(exc: OSError) -> None:
        found.failures.append((str(exc.filename), str(exc.strerror)))

    avoided = None if output is None else os.path.realpath(output)
    for directory, folders, files in os.walk(folder, onerror=unreadable):
        shown = sorted(name for name in folders if not name.startswith("."))
        folders[:] = [name for name in shown if os.path.realpath(os.path.join(directory, name)) != avoided]
        yield from (Path(directory, name) for name in sorted(files) if not name.startswith("."))


def _reason_to_skip(path: Path) -> str | None:
    """Judge by the name, so that a damaged image is reported rather than skipped, or else by the first bytes."""
    if not path.is_file():
        return NO_IMAGE
    if is_named_like_image(path):
        return None
    try:
        head = _head(path)
    except OSError:
        return NO_IMAGE
    if answer_format(head) is not None:
        return None
    return f"{foreign}, not supported" if (foreign := name_foreign_image(head)) else NO_IMAGE
