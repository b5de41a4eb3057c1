"""The list of what an installation consists of (SBOM), and the licences in it."""

import hashlib
import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from cyclonedx.schema import SchemaVersion

from superscaling.commands import sbom
from superscaling.commands.licences import package_licences
from superscaling.models import TABLE, shipped_models

Components = dict[str, dict[str, Any]]
LOCK = (ROOT / "requirements-serve.txt").read_text()
SERVING = re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.MULTILINE)


@pytest.fixture(scope="module")
def text() -> str:
    command = [sys.executable, "-m", "superscaling.commands.sbom"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def components(text: str) -> Components:
    return {each["bom-ref"]: each for each in json.loads(text)["components"]}


def test_it_is_valid(text: str) -> None:
    from cyclonedx.validation.json import JsonStrictValidator  # late, as it loads jsonschema

    assert JsonStrictValidator(SchemaVersion.from_version(sbom.SPEC_VERSION)).validate_str(text) is None


def test_the_same_installation_gives_the_same_bytes(text: str, tmp_path: Path) -> None:
    assert sbom.main(["--output", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again").read_text() == text


def test_packages_are_those_that_another_tool_finds(components: Components) -> None:
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "list", "--python", sys.executable, "--format", "json"]
    said = subprocess.run(uv, capture_output=True, text=True, check=True).stdout
    others = {(each["name"], each["version"]) for each in json.loads(said)}
    ours = {(each["name"], each["version"]) for name, each in components.items() if name.startswith("pkg:pypi/")}
    assert ours == {(name, version) for name, version in others if name != sbom.SELF}


def test_packages_have_the_hashes_of_the_lock(components: Components) -> None:
    found = 0
    for name, version in SERVING:
        component = components.get(f"pkg:pypi/{name}@{version}")
        if component is None:  # of another system or Python
            continue
        found += 1
        entry = re.search(rf"^{re.escape(name)}==(.*\n(?: .*\n)*)", LOCK, re.MULTILINE)
        assert entry is not None
        (reference,) = component["externalReferences"]
        assert {each["content"] for each in reference["hashes"]} == set(re.findall(r"sha256:(\w+)", entry[1]))
        assert component["licenses"], name
    assert found >= len(SERVING) - 5


def test_models_have_the_hashes_of_their_weights_and_files(components: Components) -> None:
    names = [name.removeprefix("model:") for name in components if name.startswith("model:")]
    assert sorted(names) == sorted(shipped_models())
    for name in names:
        model = components[f"model:{name}"]
        assert model["hashes"] == [{"alg": "SHA-256", "content": TABLE[name].sha256}]
        assert model["licenses"] == [{"expression": "Apache-2.0"}]
        assert {f"models/{name}/int8.bin", f"models/{name}/model.json"} <= {
            each["name"] for each in model["components"]
        }
        for file in model["components"]:
            digest = hashlib.sha256((ROOT / file["name"]).read_bytes()).hexdigest()
            assert file["hashes"] == [{"alg": "SHA-256", "content": digest}]


def test_files_of_others_are_in_it(components: Components) -> None:
    listed = {
        file["name"]
        for name, each in components.items()
        for file in each.get("components", [])
        if name.startswith("pkg:npm/")
    }
    vendor = ROOT / "web" / "static" / "vendor"
    assert listed == {path.relative_to(ROOT).as_posix() for path in vendor.rglob("*") if path.suffix in (".js", ".css")}


# Licences

# Their licence would extend to the whole program. The LGPL's does not: its libraries are replaceable (NOTICE).
STRONG_COPYLEFT = re.compile(r"(?<!L)(?<!Lesser )\b(A?GPL|(Affero )?(GNU )?(Affero )?General Public|SSPL|EUPL|OSL)")


@pytest.mark.parametrize(
    ("licence", "is_strong"),
    [
        ("GPL-3.0-or-later", True),
        ("MIT AND GPL-2.0-only", True),
        ("AGPL-3.0", True),
        ("GNU General Public License v3 (GPLv3)", True),
        ("GNU Affero General Public License v3", True),
        ("LGPL-3.0-or-later", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("MPL-2.0", False),
        ("BSD License", False),
    ],
)
def test_strong_copyleft_is_recognised(licence: str, is_strong: bool) -> None:
    assert bool(STRONG_COPYLEFT.search(licence)) == is_strong


def test_no_package_that_serves_is_under_the_gpl(components: Components) -> None:
    """And each says what it is under."""
    checked = 0
    for name, version in SERVING:
        component = components.get(f"pkg:pypi/{name}@{version}")
        if component is not None:
            checked += 1
            words = json.dumps(component["licenses"])
            assert not STRONG_COPYLEFT.search(words), f"{name}: {words}"
            if "Lesser" in words or "LGPL" in words:
                assert name in (ROOT / "NOTICE").read_text()
    assert checked >= len(SERVING) - 5


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"License-Expression": "MIT AND Zlib"}, [{"expression": "MIT AND Zlib"}]),
        ({"License": "BSD-3-Clause"}, [{"expression": "BSD-3-Clause"}]),
        ({"License": "BSD"}, [{"license": {"name": "BSD"}}]),
        ({"License": "MIT License\n        Permission is hereby granted"}, [{"license": {"name": "MIT License"}}]),
        ({"Classifier": "License :: OSI Approved :: MIT License"}, [{"license": {"name": "MIT License"}}]),
        (
            {
                "License": "BSD-3-Clause",
                "Classifier": "License :: OSI Approved :: GNU Lesser General Public License v3",
            },
            [{"license": {"name": "GNU Lesser General Public License v3"}}],
        ),
        ({}, []),
    ],
)
def test_what_a_package_says_of_its_licence(
    tmp_path: Path, fields: dict[str, str], expected: list[dict[str, Any]]
) -> None:
    lines = [f"{name}: {value}" for name, value in fields.items()]
    (tmp_path / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", "Name: x", *lines, ""]))
    assert package_licences(importlib.metadata.PathDistribution(tmp_path).metadata) == expected
