"""Refuses pickles with code in them, without running them: a weight file needs tensors and dictionaries only."""

import contextlib
import pickletools
import re
import tarfile
import zipfile
from pathlib import Path
from typing import IO

from superscaling.errors import ModelUnavailable

# What PyTorch's weight files name. (The same list as spandrel's, which it also enforces while reading.)
ALLOWED = {
    ("collections", "OrderedDict"),
    ("typing", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch", "BFloat16Storage"),
    ("torch", "FloatStorage"),
    ("torch", "HalfStorage"),
    ("torch", "IntStorage"),
    ("torch", "LongStorage"),
    ("torch", "DoubleStorage"),
}
# Bytes of the largest pickle: it names the tensors, whose data is elsewhere in the file.
MAX_BYTES = 16 << 20
# Operations of the largest pickle: a network of a thousand tensors has some ten thousand.
MAX_OPERATIONS = 2_000_000
# Entries of the largest archive.
MAX_ENTRIES = 100_000
# Pickles at the start of a file of PyTorch's old format: a number, a version, the system, the weights and their keys.
OLD_FORMAT = 5
# What PyTorch writes, and all that its own reader of weights (`torch._weights_only_unpickler`) takes. Of these, only
# `GLOBAL` names anything, and says itself what.
OPERATIONS = re.compile(
    "APPENDS?|BIN(FLOAT|GET|INT[12]?|PERSID|PUT|UNICODE)|BUILD|EMPTY_(DICT|LIST|SET|TUPLE)|GLOBAL|LONG1|LONG_BIN(GET|PUT)"
    "|MARK|NEW(FALSE|OBJ|TRUE)|NONE|PROTO|REDUCE|SETITEMS?|SHORT_BINSTRING|STOP|TUPLE[123]?"
)
# How an archive begins. PyTorch looks there, and not for the archive's directory, which is at the end.
ZIP = b"PK\x03\x04"
INSTEAD = "ask for the model as .safetensors or .onnx"


def check_pickle(path: Path) -> None:
    """Make sure that a weight file of PyTorch (`.pth`, `.pt`, `.ckpt`) names nothing but tensors.

    Raises:
        ModelUnavailable: it names anything else, such as a function to be called, or it is damaged.
    """
    try:
        with path.open("rb") as file:
            is_archive = file.read(len(ZIP)) == ZIP
            file.seek(0)
            if is_archive:
                _check_archive(path, file)
            else:
                _check_old_format(path, file)
    # The last two: of archives that are compressed in an unknown way, or encrypted.
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc).partition("\n")[0] or type(exc).__name__
        raise ModelUnavailable(f"{path.name} is no weight file of PyTorch, or a damaged one: {reason}") from exc
    except MemoryError as exc:
        raise ModelUnavailable(f"{path.name} is damaged: a text in it claims to be longer than memory") from exc


def _check_archive(path: Path, file: IO[bytes]) -> None:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_ENTRIES:
            raise ValueError(f"it has {len(entries)} entries, more than {MAX_ENTRIES}")
        names = [each for each in entries if each.filename.lower().endswith(".pkl")]
        if not names:
            raise ValueError("it has no data.pkl")
        for each in names:
            if each.file_size > MAX_BYTES:
                raise ValueError(f"{each.filename} has more than {MAX_BYTES >> 20} MiB")
            with archive.open(each) as opened:
                _check_globals(path, opened)


def _check_old_format(path: Path, file: IO[bytes]) -> None:
    with contextlib.suppress(tarfile.TarError), tarfile.open(fileobj=file, mode="r:"):  # which PyTorch tries first
        raise ValueError("it is a tar archive")
    file.seek(0)
    for _ in range(OLD_FORMAT):
        _check_globals(path, file)


def _check_globals(path: Path, file: IO[bytes]) -> None:
    """Check one pickle in a file."""
    for number, (operation, argument, _) in enumerate(pickletools.genops(file)):
        if number > MAX_OPERATIONS:
            raise ValueError(f"it has more than {MAX_OPERATIONS} operations")
        if not OPERATIONS.fullmatch(operation.name):
            raise ModelUnavailable(
                f"{path.name} may have code in it: its pickle has the operation {operation.name}, which PyTorch does"
                f" not write; {INSTEAD}"
            )
        if operation.name == "GLOBAL":
            module, _, name = str(argument).partition(" ")
            if (module, name) not in ALLOWED:
                raise ModelUnavailable(
                    f"{path.name} has code in it: it names {module}.{name}, and only tensors are read; {INSTEAD}"
                )
