"""Weight files of plain networks, without PyTorch; and how every file of a training is written."""

import contextlib
import lzma
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingError

COLOURS = 3
SCALE = 2  # of the networks, and so of the reductions that they undo
PLAIN = ".npz"

Arrays = dict[str, NDArray[np.float32]]


def read_arrays(path: Path) -> Arrays:
    """Read `weight` and `bias` of `head`, `body.N`, `tail` and `skip` of a plain x2 network.

    Raises:
        TrainingError: there is no such file, or it holds something else.
    """
    if not path.is_file():
        raise TrainingError(f"there is no weight file {path}")
    try:
        with zipfile.ZipFile(path):  # NumPy reads other files as well
            pass
        with np.load(path, allow_pickle=False) as archive:
            arrays: Arrays = {name: archive[name] for name in archive.files}
    # RuntimeError: encrypted; NotImplementedError, its subclass: an unknown compression.
    except (
        OSError,
        ValueError,
        EOFError,
        RuntimeError,
        MemoryError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        struct.error,
    ) as exc:
        raise TrainingError(f"{path} holds no plain x2 network ({_last_line(exc)})") from exc
    if reason := _what_is_wrong(arrays):
        raise TrainingError(f"{path} holds no plain x2 network ({reason})")
    return arrays


def write_arrays(path: Path, arrays: Mapping[str, NDArray[np.float32]]) -> None:
    """Write what `read_arrays` reads."""
    with replacing(path) as part, part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The name of a file to write in the block, which then takes the place of `path`: nobody finds a part of it."""
    part = path.with_name(f"part.{path.name}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def check_folder(folder: Path) -> None:
    """Make sure, before hours of work, that files can be written into a folder.

    Raises:
        TrainingError: there is no such folder, or it can't be written.
    """
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as exc:
        raise TrainingError(f"can't write into {folder}: {exc.strerror}") from exc


def check_output(path: Path) -> None:
    """Make sure that the weights of a plain network can be written to `path`.

    Raises:
        TrainingError: they can't.
    """
    if path.suffix != PLAIN:
        raise TrainingError(f"{path}: the name of a plain network's weight file ends in {PLAIN}")
    if path.is_dir():
        raise TrainingError(f"{path} is a folder")
    check_folder(path.parent)


def _what_is_wrong(arrays: Arrays) -> str | None:
    layers = sum(name.startswith("body.") and name.endswith(".weight") for name in arrays)
    channels = arrays["head.bias"].size if "head.bias" in arrays else 0
    results = COLOURS * SCALE**2
    kernels = {
        "head": (channels, COLOURS, 3, 3),
        **{f"body.{number}": (channels, channels, 3, 3) for number in range(layers)},
        "tail": (results, channels, 3, 3),
        "skip": (results, COLOURS, 5, 5),
    }
    shapes: dict[str, tuple[int, ...]] = {f"{name}.weight": shape for name, shape in kernels.items()}
    shapes |= {f"{name}.bias": shape[:1] for name, shape in kernels.items()}
    if missing := sorted(shapes.keys() - arrays.keys()):
        return f"{missing[0]} is missing"
    if strange := sorted(arrays.keys() - shapes.keys()):
        return f"it has {strange[0][:100]!r}"
    for name, shape in shapes.items():
        array = arrays[name]
        if array.shape != shape or array.dtype != np.float32:
            return f"{name} has the shape {array.shape} in {array.dtype}, not {shape} in float32"
    return None


def _last_line(exc: Exception) -> str:
    return str(exc).strip().rpartition("\n")[2].strip() or type(exc).__name__
