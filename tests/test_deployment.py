"""The deployment files agree with their schemas, with the settings and with each other."""

import json
import re
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, QuietHandler, Server, free_port
from test_memory import BYTES_PER_PIXEL

from http_edge.places import MAX_DOWNLOADS, MAX_PATIENT, MAX_RETURNED, MAX_WATCHERS
from superscaling.settings import Settings, read_settings, unknown_variables
from superscaling.version import __version__

COMPOSE = ROOT / "compose.yaml"
SMALL_COMPOSE = ROOT / "deploy" / "compose" / "small.yaml"
KUBERNETES = ROOT / "deploy" / "kubernetes" / "upscaler.yaml"
SMALL_KUBERNETES = ROOT / "deploy" / "kubernetes-small"
SYSTEMD = ROOT / "deploy" / "systemd" / "upscaler.service"
NGINX = ROOT / "deploy" / "nginx" / "upscaler.conf"
DOCKERFILE = ROOT / "Dockerfile"
KEYS_COMPOSE = ROOT / "deploy" / "compose" / "keys.yaml"
# What the manifest sets for a cluster alone.
FOR_CLUSTERS = {"UPSCALER_LOG_FORMAT", "UPSCALER_API_KEYS_FILE", "UPSCALER_ALLOWED_HOSTS", "UPSCALER_METRICS_PORT"}
BIN = Path(sys.executable).parent
# Running requests are finished this many seconds after SIGTERM.
LAST_ANSWER = Settings().timeout + 5


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    service: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]["upscaler"]
    return service


@pytest.fixture(scope="module")
def manifests() -> dict[str, dict[str, Any]]:
    documents = {each["kind"]: each for each in yaml.safe_load_all(KUBERNETES.read_text())}
    assert set(documents) == {"Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"}
    return documents


@pytest.fixture(scope="module")
def deployment(manifests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return manifests["Deployment"]


def checked(*command: str | Path) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_schemas() -> None:
    """Of all together: each command takes two seconds to start. Those of KEDA's kinds are not among the schemas."""
    checked(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE, SMALL_COMPOSE, KEYS_COMPOSE)
    jobs = [ROOT / "deploy" / "kubernetes-jobs" / f"{name}.yaml" for name in ("store", "rabbitmq", "worker")]
    for version in ("1.25", "1.37"):
        checked(BIN / "kubernetes-validate", "--strict", "--kubernetes-version", version, KUBERNETES, *jobs)


@pytest.mark.skipif(shutil.which("hadolint", path=BIN) is None, reason="hadolint's wheel is for x86-64 alone")
def test_the_dockerfile_is_clean() -> None:
    checked(BIN / "hadolint", DOCKERFILE)


def test_compose_takes_away_what_is_not_needed(compose: dict[str, Any]) -> None:
    assert compose["read_only"] is True
    assert compose["cap_drop"] == ["ALL"]
    assert compose["security_opt"] == ["no-new-privileges:true"]
    assert compose["tmpfs"] == ["/tmp:size=16m,mode=1777"]
    assert "target" not in compose["build"], "the small image"
    requests = int(compose["environment"]["UPSCALER_MAX_REQUESTS"])
    assert compose["pids_limit"] > 3 * requests + MAX_DOWNLOADS + MAX_WATCHERS + MAX_PATIENT + 100
    health = re.search(r"^HEALTHCHECK (.*) CMD (.*)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert health is not None
    assert compose["healthcheck"]["test"] == ["CMD", *json.loads(health[2])]


def most_memory(settings: Settings) -> int:
    """The formula in docs/operations.md, in bytes."""
    pixels = max(settings.queue_pixels, settings.max_pixels)
    held = settings.max_requests * (12_000_000 + settings.max_body_bytes + 4 * settings.max_pixels)
    assert settings.max_body_bytes <= 4 * settings.max_pixels, "a decoder's copy of the file takes the answer's place"
    returned = MAX_RETURNED * 2 * settings.max_body_bytes
    job = settings.max_body_bytes + 4 * settings.max_pixels + 400_000_000
    does_jobs = settings.jobs_store and not settings.broker
    return 500_000_000 + 140_000_000 + BYTES_PER_PIXEL * pixels + held + returned + (job if does_jobs else 0)


@pytest.mark.parametrize(("profile", "limit"), [("default", 8 << 30), ("small", 1750 << 20)])
def test_the_memory_limit_holds_as_many_of_the_largest_requests_as_are_let_in(
    profile: str, limit: int, compose: dict[str, Any], deployment: dict[str, Any]
) -> None:
    """Compose and Kubernetes agree, also in the small profile."""
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    composed, deployed = dict(compose["environment"]), {each["name"]: each["value"] for each in container["env"]}
    memory = compose["mem_limit"], container["resources"]["limits"]["memory"]
    if profile == "small":
        more = yaml.safe_load(SMALL_COMPOSE.read_text())["services"]["upscaler"]
        (patch,) = yaml.safe_load((SMALL_KUBERNETES / "small.yaml").read_text())["spec"]["template"]["spec"][
            "containers"
        ]
        composed |= more["environment"]
        deployed |= {each["name"]: each["value"] for each in patch["env"]}
        memory = more["mem_limit"], patch["resources"]["limits"]["memory"]
    # These differ: one machine has the volume of jobs, and RabbitMQ only in a profile; replicas share neither. A
    # cluster reaches its pods, compose publishes its port to one machine.
    assert set(deployed) >= FOR_CLUSTERS
    deployed = {name: value for name, value in deployed.items() if name not in FOR_CLUSTERS}
    del composed["UPSCALER_BROKER"], composed["UPSCALER_ALLOWED_HOSTS"]
    assert deployed["UPSCALER_JOBS_STORE"] == ""
    assert composed == deployed if profile == "small" else composed | {"UPSCALER_JOBS_STORE": ""} == deployed
    assert unknown_variables(composed) == []
    assert memory == (("8g", "8Gi") if profile == "default" else ("1750m", "1750Mi"))
    for environ in (composed, deployed):
        assert 0.85 * limit < most_memory(read_settings(environ)) < limit


def test_the_small_profile_is_a_patch_of_the_other() -> None:
    """What kustomize merges by names has the same names; it reads no files beside its own folder, only folders."""
    overlay, base = (
        yaml.safe_load((folder / "kustomization.yaml").read_text()) for folder in (SMALL_KUBERNETES, KUBERNETES.parent)
    )
    assert overlay["resources"] == ["../kubernetes"]
    assert overlay["patches"] == [{"path": "small.yaml"}]
    assert base["resources"] == [KUBERNETES.name]
    whole, patch = (
        next(yaml.safe_load_all(path.read_text())) for path in (KUBERNETES, SMALL_KUBERNETES / "small.yaml")
    )
    for name in ("apiVersion", "kind"):
        assert whole[name] == patch[name]
    assert whole["metadata"]["name"] == patch["metadata"]["name"]
    (container,), (patched,) = (each["spec"]["template"]["spec"]["containers"] for each in (whole, patch))
    assert container["name"] == patched["name"]


def test_the_documented_settings_are_those_of_the_profiles(compose: dict[str, Any]) -> None:
    document = (ROOT / "docs" / "operations.md").read_text()
    small = yaml.safe_load(SMALL_COMPOSE.read_text())["services"]["upscaler"]
    assert f"`{' '.join(f'{name}={value}' for name, value in small['environment'].items())}`" in document
    requests = compose["environment"]["UPSCALER_MAX_REQUESTS"]
    assert f"--memory {compose['mem_limit']} -e UPSCALER_MAX_REQUESTS={requests}" in document


def test_kubernetes_takes_away_what_is_not_needed(deployment: dict[str, Any]) -> None:
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    requests, limits = container["resources"]["requests"], container["resources"]["limits"]
    assert requests["cpu"] == limits["cpu"], "threads follow the limit"


def environ_of(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"]}


def test_a_cluster_reaches_its_pods_by_two_ports_alone(manifests: dict[str, dict[str, Any]]) -> None:
    """The ingress controller the service's, Prometheus that of the metrics; pods reach nobody."""
    (container,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
    settings = read_settings(environ_of(container))
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert ports == {"http": settings.port, "metrics": settings.metrics_port}
    policy = manifests["NetworkPolicy"]["spec"]
    assert policy["podSelector"] == manifests["Deployment"]["spec"]["selector"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["egress"] == []
    for rule, port, namespace in zip(policy["ingress"], ports, ("ingress-nginx", "monitoring"), strict=True):
        assert rule["ports"] == [{"port": port}]
        (allowed,) = rule["from"]
        assert allowed["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
        assert allowed["podSelector"]["matchLabels"], "not every pod there"
    assert [each["targetPort"] for each in manifests["Service"]["spec"]["ports"]] == ["http"], "no balanced metrics"


def test_a_cluster_uses_the_service_with_keys(deployment: dict[str, Any]) -> None:
    """Of a secret that is mounted as a directory, which Kubernetes renews, and which the service's group may read."""
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (mount,) = (each for each in container["volumeMounts"] if each["name"] == "keys")
    assert "subPath" not in mount
    assert read_settings(environ_of(container)).api_keys_file == Path(mount["mountPath"]) / "api-keys"
    (volume,) = (each for each in pod["volumes"] if each["name"] == "keys")
    secret = f"kubectl create secret generic {volume['secret']['secretName']} --from-file=api-keys=keys/api-keys\n"
    assert secret in KUBERNETES.read_text()
    assert not volume["secret"].get("optional", False), "without keys it does not start"
    assert volume["secret"]["defaultMode"] == 0o440
    assert pod["securityContext"]["fsGroup"] == 10001


def test_compose_mounts_the_directory_of_keys() -> None:
    service = yaml.safe_load(KEYS_COMPOSE.read_text())["services"]["upscaler"]
    (volume,) = service["volumes"]
    source, target, mode = volume.rsplit(":", 2)
    assert (source, mode) == ("${KEYS_DIRECTORY:-./keys}", "ro")
    assert read_settings(service["environment"]).api_keys_file == Path(target) / "api-keys"


def images() -> list[str]:
    """All that compose and the manifests run. (The chart's is a value.)"""
    manifests = [path for path in (ROOT / "deploy").rglob("*.yaml") if "helm" not in path.parts]
    text = [COMPOSE.read_text(), *(path.read_text() for path in manifests)]
    return re.findall(r"^ *image: (\S+)", "\n".join(text), re.MULTILINE)


def test_no_image_is_the_latest() -> None:
    """Each has a version: a tag that moves, or none, which is `latest`, would not say what runs."""
    assert len(images()) >= 4
    for image in images():
        assert re.fullmatch(r"[\w./-]+:(\d+\.\d+\.\d+[\w.-]*|\$\{VERSION:-unversioned\})(@sha256:[0-9a-f]{64})?", image)
    ours = {image.rpartition(":")[2] for image in images() if image.startswith("registry.example.com/")}
    assert ours == {__version__}


def test_the_user_is_the_same_everywhere(deployment: dict[str, Any]) -> None:
    assert "USER 10001:10001" in DOCKERFILE.read_text()
    assert deployment["spec"]["template"]["spec"]["securityContext"]["runAsGroup"] == 10001


def test_running_requests_are_given_the_time_they_may_take(compose: dict[str, Any], deployment: dict[str, Any]) -> None:
    assert float(compose["stop_grace_period"].removesuffix("s")) >= LAST_ANSWER
    pod = deployment["spec"]["template"]["spec"]
    before = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] >= before + LAST_ANSWER
    stop = re.search(r"docker stop (?:-t|--time|--timeout) (\d+)", (ROOT / "docs" / "operations.md").read_text())
    assert stop is not None
    assert int(stop[1]) >= LAST_ANSWER


def test_nginx_waits_longer_and_takes_more_than_the_service() -> None:
    """So that the service rejects first, and its answer says why."""
    text = NGINX.read_text()
    values = {name: int(value) for name, value in re.findall(r"^\s*(\w+) (\d+)[ms];", text, re.MULTILINE)}
    assert values["client_max_body_size"] * 2**20 > Settings().max_body_bytes
    assert values["proxy_read_timeout"] > LAST_ANSWER
    keepalive = re.search(r"^keepalive = (\d+)$", (ROOT / "gunicorn.conf.py").read_text(), re.MULTILINE)
    assert keepalive is not None
    assert values["keepalive_timeout"] < int(keepalive[1])


def test_systemd_ends_no_request_too_early() -> None:
    text = SYSTEMD.read_text()
    stop = re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    assert stop is not None
    assert int(stop[1]) >= LAST_ANSWER
    assert unknown_variables(dict(re.findall(r"(UPSCALER_\w+)=(\S*)", text))) == []


def asked_health(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "superscaling.commands.health"]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def test_the_health_check_asks_the_port_of_the_settings(server: Server) -> None:
    asked = asked_health(server.environ)
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, r"no answer from 127\.0\.0\.1 port \d+: .*Connection refused"),
        ({"UPSCALER_HOST": "::1"}, r"no answer from ::1 port \d+: .*"),
        ({"PORT": "web"}, r"PORT='web': must be a whole number from 1 to 65535"),
    ],
)
def test_the_health_check_says_why_not(settings: dict[str, str], reason: str) -> None:
    environ = {"PORT": str(free_port()), **settings}
    asked = asked_health(environ)
    assert asked.returncode == 1
    assert re.fullmatch(rf"not ready: {reason}\n", asked.stderr), asked.stderr


def test_sigterm_ends_a_start(tmp_path: Path) -> None:
    """Also during a download, which may take minutes."""

    class Silent(QuietHandler):
        def do_GET(self) -> None:
            asked.set()
            time.sleep(5)

    asked = threading.Event()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Silent) as mirror:
        mirror.daemon_threads = True
        threading.Thread(target=mirror.serve_forever, daemon=True).start()
        starting = Server(
            tmp_path / "log",
            UPSCALER_MODEL="psnr-small",
            UPSCALER_CACHE_DIR=str(tmp_path),
            UPSCALER_WEIGHTS_URL=f"http://127.0.0.1:{mirror.server_address[1]}",
        )
        assert asked.wait(30)
        began = time.monotonic()
        starting.process.send_signal(signal.SIGTERM)
        assert starting.process.wait(10) == 143
        assert time.monotonic() - began < 3
        mirror.shutdown()
    assert list(tmp_path.glob("*.part")) == [], "something half-made was left"
