"""What the command line names: files, folders that are walked through, patterns that no shell has expanded."""

import glob
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from superscaling.format_name import FormatName
from superscaling.pictures import FORMATS, sniff
from upscale.errors import Failed
from upscale.names import ENLARGED, format_named

PATTERN = re.compile(r"[*?[]")
HEAD = 16  # bytes: more than any format's signature has


@dataclass(frozen=True)
class Source:
    """A picture file; `place`: where its result goes below an output folder."""

    path: Path
    place: Path


@dataclass
class Inputs:
    """What was found.

    `failures`: names and reasons; `passed_over`: files in folders, counted by what they are; `several`: whether the
    command line may mean more than one picture, however many there are today.
    """

    sources: list[Source] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    several: bool = False


def find_inputs(words: tuple[str, ...], output: str | None) -> Inputs:
    """Find the pictures that `words` name, each once.

    Args:
        words: files, folders, patterns.
        output: a folder that is not walked into; None: results go beside their inputs, and those of earlier runs are
            passed over.
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
    """The format of a picture file, by its first bytes.

    Raises:
        Failed: it can't be read, or is no picture of a supported format.
    """
    try:
        name = _sniffed(path)
    except OSError as exc:
        raise Failed(str(exc.strerror)) from exc
    if name is None:
        raise Failed(f"is no image of a supported format ({', '.join(FORMATS)})")
    return name


def _sniffed(path: Path) -> FormatName | None:
    with path.open("rb") as file:
        return sniff(file.read(HEAD))


def _walk(folder: Path, output: str | None, found: Inputs) -> None:
    """Find the pictures in a folder and in those below it; what is hidden is left out, links to folders too."""
    for path in _files(folder, output, found):
        if output is None and path.stem.endswith(ENLARGED):
            found.passed_over[f"what is named *{ENLARGED}.*, as results are"] += 1
        elif _is_picture(path):
            found.sources.append(Source(path, path.relative_to(folder)))
        else:
            found.passed_over["no pictures"] += 1


def _files(folder: Path, output: str | None, found: Inputs) -> Iterator[Path]:
    def unreadable(exc: OSError) -> None:
        found.failures.append((str(exc.filename), str(exc.strerror)))

    avoided = None if output is None else os.path.realpath(output)
    for directory, folders, files in os.walk(folder, onerror=unreadable):
        shown = sorted(name for name in folders if not name.startswith("."))
        folders[:] = [name for name in shown if os.path.realpath(os.path.join(directory, name)) != avoided]
        yield from (Path(directory, name) for name in sorted(files) if not name.startswith("."))


def _is_picture(path: Path) -> bool:
    """By its name, so that a damaged one is not passed over in silence, or by its first bytes."""
    if not path.is_file():
        return False
    if format_named(path) is not None:
        return True
    try:
        return _sniffed(path) is not None
    except OSError:
        return False
