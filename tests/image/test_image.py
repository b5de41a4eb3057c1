"""The images of the Dockerfile, run as an operator runs them. `make test-image` builds them and runs this."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import ROOT, SAMPLES, Server, encoded, free_port, photograph
from containers import IMAGE, RESTRICTED, TARGETS, Container, container, podman
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from superscaling.engines.cpus import CGROUP
from superscaling.models import TABLE
from superscaling.settings import Settings

both = pytest.mark.parametrize("target", TARGETS)
BASE = "docker.io/library/ubuntu:24.04"
MAX_DEFAULT = 460_000_000  # bytes above the base
LIST = "/usr/share/image-super-scaling.cdx.json"
OWN = [name for name, weights in TABLE.items() if weights.is_own]


@pytest.fixture(scope="module", params=TARGETS)
def restricted(request: pytest.FixtureRequest) -> Iterator[Container]:
    """A service of all models of the project, without any right that it doesn't need; it has a network."""
    with container(request.param, *RESTRICTED, UPSCALER_MODELS=",".join(OWN)) as made:
        made.wait()
        yield made


# Answers


@pytest.mark.parametrize("sample", ["coffee-artefacts.jpg", "transparent-logo.png"])
def test_pixels_are_those_of_the_service_outside(restricted: Container, server: Server, sample: str) -> None:
    picture = (SAMPLES / sample).read_bytes()
    inside, outside = restricted.upscale(picture), server.upscale(picture)
    assert inside.status_code == outside.status_code == 200
    assert inside.headers["X-Upscaler-Model"] == outside.headers["X-Upscaler-Model"]
    assert inside.content == outside.content


def test_the_page_is_in_it(restricted: Container) -> None:
    page = httpx.get(restricted.url).text
    for name in re.findall(r'(?:src|href)="([^"#]+)"', page):
        assert httpx.get(f"{restricted.url}/{name}").status_code == 200


def test_all_models_of_the_project_are_in_it(restricted: Container) -> None:
    assert [each["name"] for each in httpx.get(f"{restricted.url}/models").json()] == OWN
    answer = restricted.upscale(encoded(photograph(40, 60)), model=OWN[-1])
    assert answer.headers["X-Upscaler-Model"].startswith(f"{OWN[-1]} openvino ")


def test_without_a_volume_it_takes_no_jobs(restricted: Container) -> None:
    """As its root is read-only."""
    picture = encoded(photograph(40, 60))
    assert restricted.upscale(picture).status_code == 200
    answer = httpx.post(f"{restricted.url}/jobs", content=picture, headers={"Content-Type": "image/png"}, timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")


def test_the_tensorflow_engine_is_in_the_large_image() -> None:
    with container("everything", *RESTRICTED, UPSCALER_ENGINE="tensorflow", UPSCALER_MODEL="noise-cancel-lite") as made:
        made.wait()
        answer = made.upscale(encoded(photograph(40, 60)))
        assert answer.headers["X-Upscaler-Model"] == "noise-cancel-lite tensorflow fp32"


# Rights


def test_user_and_rights(restricted: Container) -> None:
    assert restricted.ask("id", "-u").stdout.strip() == "10001"
    status = dict(line.split(":\t", 1) for line in restricted.ask("cat", "/proc/1/status").stdout.splitlines())
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    for place in ("/app", "/app/models", "/opt/venv", "/", "/cache", "/jobs"):
        refused = restricted.ask("touch", f"{place}/something")
        assert "Read-only file system" in refused.stderr, place


@both
def test_the_service_could_not_change_itself(target: str) -> None:
    """Even if its root is not read-only: only /cache and /jobs are writable."""
    with container(target, command=("sleep", "60")) as made:
        found = made.ask("find", "/", "-xdev", "-writable", "-type", "d", "-not", "-path", "/proc/*").stdout.split()
        assert {path for path in found if not path.startswith("/dev")} <= {
            *("/cache", "/jobs", "/tmp", "/var/tmp", "/run/lock", "/var/lock"),
        }


INSIDE = """
import urllib.request, hashlib
data = open("/app/sample-images/face.jpg", "rb").read()
request = urllib.request.Request("http://127.0.0.1:7777/upscale", data, {"Content-Type": "image/jpeg"})
print(hashlib.sha256(urllib.request.urlopen(request).read()).hexdigest())
"""
OUTSIDE = """
import socket
try:
    socket.create_connection(("1.1.1.1", 443), timeout=3)
    print("connected")
except OSError as exc:
    print(exc.strerror)
"""


@both
def test_no_network(target: str, server: Server) -> None:
    """It starts and works without; the request is sent from inside."""
    with container(target, *RESTRICTED, "--network=none", PORT="7777") as made:
        made.wait()
        expected = hashlib.sha256(server.upscale((SAMPLES / "face.jpg").read_bytes()).content).hexdigest()
        assert made.python(INSIDE) == expected
        assert made.python(OUTSIDE) == "Network is unreachable"


# Start, health, stop


def test_health(restricted: Container) -> None:
    podman("healthcheck", "run", restricted.name)
    assert restricted.facts["State"]["Health"]["Status"] == "healthy"


@both
def test_a_service_that_does_not_serve_is_not_healthy(target: str) -> None:
    with container(target, command=("sleep", "60")) as made:
        assert podman("healthcheck", "run", made.name, check=False).returncode != 0
        said = made.ask("python", "-m", "superscaling.commands.health")
        assert said.returncode == 1
        assert re.fullmatch(r"not ready: no answer from 0\.0\.0\.0 port \d+: .*Connection refused\n", said.stderr)


def test_settings_port_and_sigterm() -> None:
    """Running requests finish."""
    picture = encoded(photograph(400, 400), "JPEG")
    with container("default", *RESTRICTED, UPSCALER_THREADS="1", UPSCALER_PRECISION="fp32") as made:
        made.wait()
        assert f"listening on 0.0.0.0 port {made.port} (all addresses) " in made.logs
        assert "precision=fp32 threads=1" in made.logs
        ready = httpx.get(f"{made.url}/readyz").json()
        assert (ready["precision"], ready["threads"]) == ("fp32", 1)
        answers: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: answers.append(made.upscale(picture)))
        asking.start()
        time.sleep(0.5)
        assert asking.is_alive()
        began = time.monotonic()
        assert made.stop() == 0
        asking.join(30)
        assert time.monotonic() - began < Settings().timeout
        assert [answer.status_code for answer in answers] == [200]
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{made.url}/ping")


@pytest.mark.parametrize("moment", [0.0, 0.3, 1.0, 2.0, 3.0])
def test_sigterm_during_the_start(moment: float) -> None:
    with container("everything", *RESTRICTED) as made:
        time.sleep(moment)
        began = time.monotonic()
        assert made.stop() in (0, 143)
        assert time.monotonic() - began < 8


@pytest.mark.parametrize(
    ("target", "settings", "message"),
    [
        (
            "default",
            {"UPSCALER_MODEL": "nonesuch"},
            "UPSCALER_MODEL='nonesuch': unknown; known are noise-cancel-plain,",
        ),
        (
            "default",
            {"UPSCALER_MODEL": "psnr-small"},
            "psnr-small needs TensorFlow, ISR and NNCF, which are not",
        ),
        ("everything", {"UPSCALER_MODEL": "psnr-small"}, "and /cache can't be written: Read-only file system"),
        (
            "default",
            {"UPSCALER_ENGINE": "tensorflow", "UPSCALER_MODEL": "noise-cancel-lite"},
            "needs TensorFlow and ISR, which are not installed",
        ),
        ("default", {"UPSCALER_THREADS": "many"}, "UPSCALER_THREADS='many': must be a whole number"),
        ("default", {"PORT": "7777777"}, "PORT='7777777': must be a whole number from 1 to 65535"),
    ],
)
def test_a_start_that_can_not_be(target: str, settings: dict[str, str], message: str) -> None:
    with container(target, *RESTRICTED, command=(), **settings) as made:
        assert made.exit_status() == 1
        lines = made.logs.splitlines()
        assert len(lines) == 1, lines
        assert message in lines[0]


def test_a_port_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        with container("default", *RESTRICTED, PORT=str(taken.getsockname()[1])) as made:
            assert made.exit_status() == 1
            assert re.fullmatch(
                r".*can't listen on 0\.0\.0\.0 port \d+: Address already in use; set PORT.*\n", made.logs
            )


# CPUs


@contextlib.contextmanager
def cgroup_of_one_cpu() -> Iterator[Path]:
    """Make a cgroup (version 1 or 2) with a quota of one CPU, if this machine allows it."""
    name = f"upscaler-{free_port()}"
    quotas = {
        CGROUP / "cpu" / name: {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "100000"},
        CGROUP / name: {"cpu.max": "100000 100000"},
    }
    reasons = []
    for group, files in quotas.items():
        try:
            group.mkdir()
            try:
                for file, text in files.items():
                    (group / file).write_text(text)
            except OSError:
                group.rmdir()
                raise
        except OSError as exc:
            reasons.append(str(exc))
            continue
        try:
            yield group
        finally:
            for _ in range(50):  # until the last process of podman has left it
                with contextlib.suppress(OSError):
                    group.rmdir()
                    break
                time.sleep(0.1)
        return
    pytest.skip(
        f"no cgroup with a quota can be made here ({'; '.join(reasons)}); tests/test_cpus.py has trees of files"
    )


@pytest.mark.skipif(len(os.sched_getaffinity(0)) == 1, reason="one CPU is all there is")
def test_threads_follow_the_quota() -> None:
    """In a real cgroup, which the container inherits."""
    with cgroup_of_one_cpu() as group:
        script = (
            f"echo $$ > {group}/cgroup.procs && exec podman run --rm --pull=never {' '.join(RESTRICTED)}"
            f" {IMAGE}:default"
            " python -c 'from superscaling.engines.cpus import available_cpus; print(available_cpus())'"
        )
        said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert said.stdout.strip() == "1", said.stderr


# Contents


def files_of(target: str) -> list[str]:
    return podman(
        "run", "--rm", "--network=none", "--user=0", f"{IMAGE}:{target}", "find", "/", "-xdev", "-not", "-type", "d"
    ).stdout.splitlines()


@both
def test_nothing_is_in_it_that_does_not_belong(target: str) -> None:
    files = files_of(target)
    tools = re.compile(
        r"bin/([\w-]+-)?(gcc|g\+\+|cc|c\+\+|cpp|cc1|clang|as|ld|make|pip|git|curl|wget)[\d.-]*$|/cc1(plus)?$"
    )
    assert [path for path in files if tools.search(path)] == []
    assert [path for path in files if re.match(r"/(var/lib/apt/lists|var/cache/apt|root/\.cache)/.", path)] == []
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    own = {path.removeprefix("/app/") for path in files if path.startswith("/app/")}
    assert {path for path in own if not path.endswith(".pyc")} <= set(tracked), "not from the repository"
    unwanted = (
        "tests/",
        "benchmarks/",
        "evaluation/",
        "training/",
        "docs/",
        "docs_pictures/",
        ".git",
        ".ci",
        "client/",
    )
    assert [path for path in own if path.startswith(unwanted)] == []
    assert any(path.endswith(".pyc") for path in own), "bytecode has to be there: it can't be written later"
    assert "/opt/venv/bin/gunicorn" in files
    assert any("/site-packages/tensorflow/" in path for path in files) == (target == "everything")
    weights = {weights.file for weights in TABLE.values() if weights.is_own}
    assert bool(weights & {Path(path).name for path in files}) == (target == "everything")


@both
def test_labels_and_sizes(target: str) -> None:
    image = json.loads(podman("image", "inspect", f"{IMAGE}:{target}").stdout)[0]
    base = json.loads(podman("image", "inspect", BASE).stdout)[0]
    labels = image["Labels"]
    assert labels["org.opencontainers.image.title"] == "image-super-scaling"
    assert {f"org.opencontainers.image.{name}" for name in ("description", "licenses", "version")} <= set(labels)
    assert image["User"] == "10001:10001"
    above = image["Size"] - base["Size"]
    assert target != "default" or above <= MAX_DEFAULT


@both
def test_what_is_in_it_is_listed(target: str) -> None:
    """By a document that scanners read."""
    with container(target, *RESTRICTED, command=("sleep", "60")) as made:
        text = made.ask("cat", LIST).stdout
        installed = made.ask("dpkg-query", "--show", "--showformat=${Package} ${Version}\n").stdout.splitlines()
        script = (
            "import importlib.metadata as m; print(*(f'{d.name} {d.version}' for d in m.distributions()), sep='\\n')"
        )
        packages = made.python(script).splitlines()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    listed: dict[str, set[str]] = {}
    for each in json.loads(text)["components"]:
        kind = each.get("purl", each["bom-ref"]).split("/")[0]
        listed.setdefault(kind, set()).add(f"{each['name']} {each.get('version', '')}".strip())
        assert not kind.startswith("pkg:pypi") or each["externalReferences"], "with the hashes of the lock"
    assert listed["pkg:deb"] == set(installed)
    assert listed["pkg:pypi"] == {
        re.sub(r"[-_.]+", "-", each.rpartition(" ")[0]).lower() + each[each.rindex(" ") :] for each in packages
    }
    assert listed["pkg:npm"]
    models = {each.removeprefix("model:") for each in listed if each.startswith("model:")}
    assert models == set(OWN)


# Other builds


def build(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "tests/image/build.sh"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)


def test_a_base_image_by_its_digest() -> None:
    """That of the stand-in, and one that no image has."""
    digest = json.loads(podman("image", "inspect", BASE).stdout)[0]["Digest"]
    for named, is_there in ((digest, True), (f"sha256:{'0' * 64}", False)):
        result = build("--target=base", f"--build-arg=BASE={BASE.partition(':')[0]}@{named}")
        assert (result.returncode == 0) == is_there, result.stderr


def test_the_digest_is_written_by_make(tmp_path: Path) -> None:
    """Of an image in a folder here, where Docker Hub would be asked."""
    for name in ("Makefile", "Dockerfile"):
        shutil.copy(ROOT / name, tmp_path)
    empty = subprocess.run(["buildah", "from", "scratch"], capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(
        ["buildah", "commit", "--rm", empty, f"oci:{tmp_path}/image:newest"], capture_output=True, check=True
    )
    command = ["make", "--no-print-directory", "base", f"SOURCE=oci:{tmp_path}/image:newest"]
    for _ in range(2):  # the second time in place of the first
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stderr
    (manifest,) = json.loads((tmp_path / "image" / "index.json").read_text())["manifests"]
    written = [line for line in (tmp_path / "Dockerfile").read_text().splitlines() if line.startswith("ARG BASE=")]
    assert written == [f"ARG BASE=ubuntu:24.04@{manifest['digest']}"] == [said.stdout.strip()]


# Builds that fail


def failed_build(*arguments: str) -> str:
    """Build with wrong arguments; returns the output."""
    result = build("--target=default", *(f"--build-arg={each}" for each in arguments))
    assert result.returncode != 0
    return result.stdout + result.stderr


def test_a_build_with_an_unknown_model() -> None:
    said = failed_build("MODELS=noise-cancel-plain nonesuch")
    assert "can't bake models in: UPSCALER_MODEL='nonesuch': unknown; known are noise-cancel-plain," in said
    assert "Traceback" not in said


def test_a_build_with_weights_that_fail_their_hash(tmp_path: Path) -> None:
    row = TABLE["psnr-small"]
    (tmp_path / row.file).write_bytes(bytes(row.bytes))
    port = free_port()
    mirror = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(tmp_path), str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        said = failed_build("MODELS=psnr-small", f"WEIGHTS_URL=http://127.0.0.1:{port}")
    finally:
        mirror.terminate()
        mirror.wait()
    assert "can't bake models in: " in said
    assert row.sha256 in said
    assert "Traceback" not in said
