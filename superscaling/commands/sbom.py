"""List what an installation consists of, as a CycloneDX document (SBOM).

    python -m superscaling.commands.sbom [--system] [--output FILE]

In it are Python's packages with their licences and with the hashes that the lock allows; the models with the hash of
their weights and of each file; the files of others in web/. With `--system`, for a container image, also Debian's or
Ubuntu's packages. The same installation gives the same bytes: there is no time and no serial number in it.

Libraries inside wheels, such as libvips in pyvips-binary, are not listed, as no wheel says which they are; NOTICE names
those under other licences.
"""

import argparse
import importlib.metadata
import json
import platform
import re
import sys
from collections.abc import Iterable, Iterator
from email import message_from_string
from pathlib import Path
from typing import Any
from urllib.parse import quote

from superscaling.commands.licences import package_licences, stated_licence
from superscaling.models import DESCRIPTION, MODELS, hash_file, read_model_files
from superscaling.settings import ROOT
from superscaling.version import __version__

SPEC_VERSION = "1.6"
SELF = "image-super-scaling"
LOCKS = ("requirements-serve.txt", "requirements.txt", "requirements-models.txt")
LOCKED = re.compile(r"^([\w.-]+)==(\S+)(?: ;[^\\\n]*)?((?: *\\\n +--hash=sha256:[0-9a-f]{64})+)", re.MULTILINE)
VENDORED = ROOT / "web" / "static" / "vendor"
DPKG_STATUS = Path("/var/lib/dpkg/status")
# A row of its README.md: file, package and version, licence, hash.
VENDORED_ROW = re.compile(r"^\| `([^`]+)` \| ([\w-]+) ([\d.]+)[^|]*\| (\S+) \| `([0-9a-f]{64})` \|$", re.MULTILINE)

Component = dict[str, Any]


def document(with_system: bool) -> dict[str, Any]:
    """Describe this installation.

    Args:
        with_system: with the packages of the distribution, which is Debian or one made of it.

    Raises:
        OSError: files are missing.
        ModelUnavailable: a model is damaged.
    """
    root = {
        "type": "application",
        "bom-ref": SELF,
        "name": SELF,
        "version": __version__,
        "licenses": [{"expression": "Apache-2.0"}],
    }
    components = [*python_packages(), *models(), *vendored(), *(system_packages() if with_system else ())]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "version": 1,
        "metadata": {"component": root},
        "components": components,
        "compositions": [{"aggregate": "incomplete", "assemblies": [SELF]}],
    }


def python_packages() -> Iterator[Component]:
    """What is installed beside this Python, by name. One that the lock does not have comes without hashes."""
    hashes = locked_hashes()
    found = {_normal(each.name): each for each in importlib.metadata.distributions()}
    for name in sorted(found.keys() - {SELF}):
        version = found[name].version
        in_url = found[name].name.lower().replace("_", "-")  # as the specification of package URLs has it
        package_url = f"pkg:pypi/{in_url}@{quote(version)}"
        component = {
            **_component("library", name, version, package_url),
            "licenses": package_licences(found[name].metadata),
        }
        if allowed := hashes.get((name, version)):
            component["externalReferences"] = [
                {
                    "type": "distribution",
                    "url": package_url,
                    "comment": "the file that was installed has one of these hashes",
                    "hashes": [_sha256(each) for each in allowed],
                }
            ]
        yield component


def locked_hashes() -> dict[tuple[str, str], list[str]]:
    """Name and version of a package -> the SHA-256 of its files, of which each was made for other machines."""
    text = "\n".join((ROOT / lock).read_text() for lock in LOCKS if (ROOT / lock).is_file())
    return {
        (_normal(match[1]), match[2]): re.findall(r"sha256:([0-9a-f]{64})", match[3]) for match in LOCKED.finditer(text)
    }


def models() -> Iterator[Component]:
    """The models that are there, each with its files."""
    for description in sorted(MODELS.glob(f"*/{DESCRIPTION}")):
        model = read_model_files(description.parent)
        files = sorted(path for path in model.directory.iterdir() if path.is_file())
        yield {
            **_component("machine-learning-model", model.name, None, f"model:{model.name}"),
            "description": "the hash is that of the weights which it was made of",
            "hashes": [_sha256(model.weights_sha256)],
            "licenses": [stated_licence(model.licence)],
            "components": [_file(path, f"models/{model.name}/{path.name}") for path in files],
        }


def vendored() -> Iterator[Component]:
    """The packages of npm whose files lie in web/."""
    if not VENDORED.is_dir():  # only the command line is installed
        return
    packages: dict[tuple[str, str, str], list[str]] = {}
    for file, name, version, licence, _ in VENDORED_ROW.findall((VENDORED / "README.md").read_text()):
        packages.setdefault((name, version, licence), []).append(file)
    for (name, version, licence), files in sorted(packages.items()):
        yield {
            **_component("library", name, version, f"pkg:npm/{name}@{version}"),
            "licenses": [stated_licence(licence)],
            "components": [_file(VENDORED / file, f"web/static/vendor/{file}") for file in files],
        }


def system_packages() -> Iterator[Component]:
    """What dpkg has installed, and the distribution. The licences are in /usr/share/doc."""
    release = platform.freedesktop_os_release()
    distribution, release_version = release["ID"], release["VERSION_ID"]
    yield _component("operating-system", distribution, release_version, f"os:{distribution}")
    stanzas = map(message_from_string, DPKG_STATUS.read_text().strip().split("\n\n"))
    for package in sorted(stanzas, key=lambda each: (each["Package"], each["Architecture"])):
        if not package["Status"].endswith(" installed"):
            continue
        name, version = package["Package"], package["Version"]
        # Advisories are about sources: "NAME" or "NAME (VERSION)", if they differ from the package.
        source, _, source_version = package.get("Source", name).partition(" ")
        upstream = f"{source}@{source_version.strip('()') or version}"
        purl = (
            f"pkg:deb/{distribution}/{quote(name)}@{quote(version)}?arch={package['Architecture']}"
            f"&distro={distribution}-{release_version}&upstream={quote(upstream, safe='')}"
        )
        yield _component("library", name, version, purl)


def _component(kind: str, name: str, version: str | None, reference: str) -> Component:
    """`reference`: a package URL, which becomes its `purl`, or a name of our own."""
    facts = {"type": kind, "bom-ref": reference, "name": name}
    if version is not None:
        facts["version"] = version
    return facts | ({"purl": reference} if reference.startswith("pkg:") else {})


def _file(path: Path, name: str) -> Component:
    return {"type": "file", "bom-ref": f"file:{name}", "name": name, "hashes": [_sha256(hash_file(path))]}


def _sha256(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}


def _normal(name: str) -> str:
    """The name of a package as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main(words: Iterable[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m superscaling.commands.sbom", description=__doc__.partition("\n")[0] if __doc__ else None
    )
    parser.add_argument("--system", action="store_true", help="also the packages of Debian or Ubuntu")
    parser.add_argument("--output", type=Path, help="default: standard output")
    arguments = parser.parse_args(None if words is None else list(words))
    text = json.dumps(document(arguments.system), indent=1) + "\n"
    if arguments.output is None:
        sys.stdout.write(text)
    else:
        arguments.output.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
