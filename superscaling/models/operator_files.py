"""Models that are not in the table: a file of the operator's, and what was imported into the cache."""

import re
from pathlib import Path

from superscaling.errors import ModelUnavailable
from superscaling.models.files import DESCRIPTION
from superscaling.models.sources import hash_file
from superscaling.models.table import TABLE
from superscaling.models.weights import FORMATS, FileFormat, Kind, Weights
from superscaling.settings import invalid

# What a model may be called: requests name it, and headers and metrics repeat it.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
# A file to import, in bytes. The largest networks that people enlarge pictures with have some 100 MB.
MAX_BYTES = 2 << 30
LICENCE_UNKNOWN = "not stated"


def is_path(model: str) -> bool:
    """Whether the setting names a file rather than a model."""
    return "/" in model or Path(model).suffix.lower() in FORMATS


def weights_in(model: str) -> Weights:
    """The row for a file of the operator's; its name is the file's, without the ending.

    A file that is that of a row of the table keeps the row's kind and licence. Any other counts as perceptual, as most
    networks that people share are, and its licence is not known.

    Raises:
        SettingInvalid: there is no such file, it has no name that requests could use, or it is of no known format.
    """
    try:
        path = Path(model).expanduser()
        if FORMATS.get(path.suffix.lower()) is FileFormat.NCNN:
            path = _both_there(path, model)
        if path.suffix.lower() not in FORMATS or FORMATS[path.suffix.lower()] is FileFormat.KERAS:
            can = ", ".join(ending for ending, form in FORMATS.items() if form is not FileFormat.KERAS)
            raise invalid("model", model, f"a file of a model ends in one of {can}")
        if not path.is_file():
            raise invalid("model", model, "there is no such file" if not path.exists() else "it is no file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise invalid("model", model, f"it has {size} bytes, and a model at most {MAX_BYTES}")
        sha256 = hash_file(path)
        param_sha256 = hash_file(path.with_suffix(".param")) if path.suffix.lower() == ".bin" else ""
    except (OSError, RuntimeError) as exc:  # RuntimeError: ~ of an unknown user
        raise invalid("model", model, f"it can't be read: {getattr(exc, 'strerror', None) or exc}") from exc
    if not NAME.fullmatch(path.stem):
        allowed = "up to 100 letters of ASCII, digits and . _ + -, the first a letter or digit"
        raise invalid("model", model, f"requests could not name it: rename the file to {allowed}")
    known = next((row for row in TABLE.values() if (row.sha256, row.param_sha256) == (sha256, param_sha256)), None)
    return Weights(
        name=path.stem,
        file=path.name,
        bytes=size,
        sha256=sha256,
        param_sha256=param_sha256,
        directory=path.parent,
        kind=known.kind if known else Kind.PERCEPTUAL,
        licence=known.licence if known else LICENCE_UNKNOWN,
    )


def imported_directory(cache: Path, name: str) -> Path:
    """Where `import_model` puts a model of this name."""
    return cache / "imported" / name


def imported_models(cache: Path) -> list[str]:
    """Names of the models that were imported.

    Raises:
        ModelUnavailable: the directory can't be read.
    """
    try:
        return sorted(path.parent.name for path in cache.glob(f"imported/*/{DESCRIPTION}"))
    except OSError as exc:
        raise ModelUnavailable(f"{cache} can't be read: {exc.strerror or exc}") from exc


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
