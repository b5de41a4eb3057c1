"""Models that are not in the table: a file of the operator's, and what was imported into the cache."""

import functools
import re
from pathlib import Path

from superscaling.errors import ModelUnavailable
from superscaling.models.external_data import external_files
from superscaling.models.files import DESCRIPTION
from superscaling.models.sources import hash_file
from superscaling.models.table import TABLE
from superscaling.models.weights import FORMATS, FileFormat, Kind, Weights
from superscaling.settings import invalid

# What a model may be called: requests name it, and headers and metrics repeat it.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
ALLOWED_NAME = "up to 100 letters of ASCII, digits and . _ + -, the first a letter or digit"
# Of a model, in bytes. The largest networks that people enlarge pictures with have some 100 MB.
MAX_FILE_BYTES = 2 << 30
LICENCE_UNKNOWN = "not stated"


def is_path(model: str) -> bool:
    """Whether the setting names a file rather than a model."""
    return "/" in model or Path(model).suffix.lower() in FORMATS


def name_in(model: str) -> str:
    """What requests call a file of the operator's: its name without the ending.

    Raises:
        SettingInvalid: there is no such file, it has no name that requests could use, or it is of no known format.
    """
    path = _file(model)
    if not NAME.fullmatch(path.stem):
        raise invalid("model", model, f"requests could not name it: rename the file to {ALLOWED_NAME}")
    return path.stem


def weights_in(model: str, name: str | None = None) -> Weights:
    """The row for a file of the operator's, under a name, or that of the file. It is read only once, unless it changes.

    A file that is that of a row of the table keeps the row's kind and licence, though not its milder sibling. Of the
    others, plain networks count as faithful, because this project's training makes them so, and the rest as perceptual,
    as most networks that people share are; their licence is not known.

    Raises:
        SettingInvalid: as `name_in`, but for the file's name if there is another; or a file that belongs to it is
            missing, too large, or can't be read.
    """
    name = name or name_in(model)
    path = _file(model)
    try:
        beside = [path.with_suffix(".param").name] if FORMATS[path.suffix.lower()] is FileFormat.NCNN else []
        external = external_files(path) if FORMATS[path.suffix.lower()] is FileFormat.ONNX else []
        for each in external:
            if not (path.parent / each).is_file():
                reason = f"its weights are in another file, {each}, which is missing: put it beside this one"
                raise invalid("model", model, reason)
        status = {file: (path.parent / file).stat() for file in (path.name, *beside, *external)}
        if (size := sum(each.st_size for each in status.values())) > MAX_FILE_BYTES:
            raise invalid("model", model, f"it has {size} bytes, and a model at most {MAX_FILE_BYTES}")
        hashes = {file: _hash(path.parent / file, each.st_size, each.st_mtime_ns) for file, each in status.items()}
    except ValueError as exc:
        raise invalid("model", model, str(exc)) from exc
    except OSError as exc:
        raise invalid("model", model, f"it can't be read: {exc.strerror or exc}") from exc
    sha256, param_sha256 = hashes[path.name], "".join(hashes[file] for file in beside)
    kind = Kind.FAITHFUL if FORMATS[path.suffix.lower()] is FileFormat.PLAIN else Kind.PERCEPTUAL
    known = next((row for row in TABLE.values() if (row.sha256, row.param_sha256) == (sha256, param_sha256)), None)
    return Weights(
        name=name,
        file=path.name,
        bytes=status[path.name].st_size,
        sha256=sha256,
        param_sha256=param_sha256,
        external_sha256={file: hashes[file] for file in external},
        directory=path.parent,
        kind=known.kind if known else kind,
        licence=known.licence if known else LICENCE_UNKNOWN,
    )


def imported_directory(cache: Path, name: str = "") -> Path:
    """Where `import_model` puts a model of this name, or all of them."""
    return cache / "imported" / name


def imported_models(cache: Path) -> list[str]:
    """Names of the models that were imported.

    Raises:
        ModelUnavailable: the directory can't be read.
    """
    try:
        return sorted(path.parent.name for path in imported_directory(cache).glob(f"*/{DESCRIPTION}"))
    except OSError as exc:
        raise ModelUnavailable(f"{cache} can't be read: {exc.strerror or exc}") from exc


def _file(model: str) -> Path:
    """The file that holds the weights, which is there.

    Raises:
        SettingInvalid: it is not there, or of no known format.
    """
    try:
        path = Path(model).expanduser()
        if FORMATS.get(path.suffix.lower(), FileFormat.KERAS) is FileFormat.KERAS:
            can = ", ".join(ending for ending, form in FORMATS.items() if form is not FileFormat.KERAS)
            raise invalid("model", model, f"a file of a model ends in one of {can}")
        if FORMATS[path.suffix.lower()] is FileFormat.NCNN:
            path = _both_there(path, model)
        if not path.is_file():
            raise invalid("model", model, "there is no such file" if not path.exists() else "it is no file")
    except (OSError, RuntimeError) as exc:  # RuntimeError: ~ of an unknown user
        raise invalid("model", model, f"it can't be read: {getattr(exc, 'strerror', None) or exc}") from exc
    return path


def _both_there(path: Path, model: str) -> Path:
    """The `.bin` of an ncnn model, of which either file may be named.

    Raises:
        SettingInvalid: one is there without the other.
    """
    weights, layers = path.with_suffix(".bin"), path.with_suffix(".param")
    if weights.is_file() != layers.is_file():
        missing = weights if layers.is_file() else layers
        raise invalid("model", model, f"{missing.name} is not beside it: an ncnn model is a .param and a .bin")
    return weights


@functools.lru_cache(maxsize=256)
def _hash(path: Path, size: int, changed: int) -> str:
    """The SHA-256 of a file that has so many bytes and was changed at this time, in ns."""
    return hash_file(path)
