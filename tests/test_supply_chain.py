"""What is installed is what was tested: versions, hashes and digests in the files that build."""

import re
from xml.etree import ElementTree

import pytest
from conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
CLIENT = ROOT / "client"
POM = {"": "http://maven.apache.org/POM/4.0.0"}


def test_stages_have_one_base_that_may_be_named_by_its_digest() -> None:
    (base,) = re.findall(r"^ARG BASE=(.*)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"ubuntu:24\.04(@sha256:[0-9a-f]{64})?", base)
    origins = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
    assert len(origins) == DOCKERFILE.count("\nFROM ")
    stages = [name for _, name in origins]
    assert [origin for origin, _ in origins if origin not in stages] == ["${BASE}"]
    for copied in re.findall(r"COPY --from=(\S+)", DOCKERFILE):
        assert copied in stages, "no image of others"


@pytest.mark.parametrize("text", [DOCKERFILE, MAKEFILE], ids=["Dockerfile", "Makefile"])
def test_packages_are_installed_by_their_hashes(text: str) -> None:
    joined = text.replace("\\\n", " ")
    commands = re.findall(r"^.*\bpip (?:--python \S+ )?install\b.*$", joined, re.MULTILINE)
    assert commands
    for command in commands:
        for part in re.findall(r"\bpip (?:--python \S+ )?install\b[^&;|]*", command):
            assert "--require-hashes" in part, part
            assert "--no-deps" in part, part
    executed = re.sub(r"^#.*$", "", joined, flags=re.MULTILINE)
    assert not re.search(r"\b(curl|wget|npm|npx)\b", executed)


def test_an_audit_fails_on_packages_that_it_could_not_ask_about() -> None:
    (command,) = re.findall(r"^\t\S*pip-audit .*$", MAKEFILE, re.MULTILINE)
    assert {"--strict", "--require-hashes", "requirements-serve.txt"} <= set(command.split())


def test_maven_has_exact_versions_and_checks_checksums() -> None:
    pom = ElementTree.parse(CLIENT / "pom.xml").getroot()
    parts = [*pom.iterfind(".//dependency", POM), *pom.iterfind(".//plugin", POM)]
    assert len(parts) >= 10
    for part in parts:
        version, name = part.findtext("version", "", POM), part.findtext("artifactId", "", POM)
        assert re.fullmatch(r"\d+\.\d+(\.\d+)?", version), name
    assert "--strict-checksums" in (CLIENT / ".mvn" / "maven.config").read_text().split()
