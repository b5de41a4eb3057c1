"""What is deployed for jobs: compose's profile `jobs`, and deploy/kubernetes-jobs and -s3."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT
from test_memory import BYTES_PER_PIXEL

from jobs.engine_celery import HOLD
from superscaling.settings import Settings, read_settings, unknown_variables

COMPOSE = ROOT / "compose.yaml"
BASE = ROOT / "deploy" / "kubernetes" / "upscaler.yaml"
KUBERNETES = ROOT / "deploy" / "kubernetes-jobs"
S3 = ROOT / "deploy" / "kubernetes-jobs-s3"
OVERLAYS = {"volume": KUBERNETES, "bucket": S3}
HEALTH = ["python", "-m", "jobs.worker_health"]
WORKER = ["celery", "-A", "jobs.engine_celery", "worker"]

Manifest = dict[str, Any]


# Compose


@pytest.fixture(scope="module")
def compose() -> Manifest:
    found: Manifest = yaml.safe_load(COMPOSE.read_text())
    return found


def test_workers_and_rabbitmq_are_a_profile(compose: Manifest) -> None:
    profiles = {name: service.get("profiles") for name, service in compose["services"].items()}
    assert profiles == {"upscaler": None, "worker": ["jobs"], "rabbitmq": ["jobs"]}


@pytest.mark.parametrize(
    ("password", "broker"), [(None, ""), ("", ""), ("s3cret", "amqp://upscaler:s3cret@rabbitmq:5672//")]
)
def test_there_is_a_broker_if_there_is_a_password(password: str | None, broker: str, compose: Manifest) -> None:
    """The shell has the same expansions as compose."""
    for name in ("upscaler", "worker"):
        template = compose["services"][name]["environment"]["UPSCALER_BROKER"]
        environ = {} if password is None else {"RABBITMQ_PASSWORD": password}
        said = subprocess.run(
            ["sh", "-c", f'echo "{template}"'], env=environ, capture_output=True, text=True, check=True
        )
        assert said.stdout.strip() == broker
        assert read_settings({"UPSCALER_BROKER": broker}).broker == broker


def test_rabbitmq_does_not_start_with_a_password_that_everybody_knows(compose: Manifest, tmp_path: Path) -> None:
    (tmp_path / "docker-entrypoint.sh").write_text('#!/bin/sh\necho "starts $*"\n')
    (tmp_path / "docker-entrypoint.sh").chmod(0o755)
    entrypoint = [each.replace("$$", "$") for each in compose["services"]["rabbitmq"]["entrypoint"]]
    for password, status, said in [("", 1, "set RABBITMQ_PASSWORD"), ("s3cret", 0, "starts rabbitmq-server")]:
        environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "RABBITMQ_DEFAULT_PASS": password}
        result = subprocess.run(entrypoint, env=environ, capture_output=True, text=True, check=False)
        assert result.returncode == status
        assert said in result.stdout + result.stderr


def test_a_worker_has_the_rights_of_the_service_and_no_way_out(compose: Manifest) -> None:
    services = compose["services"]
    worker, service = services["worker"], services["upscaler"]
    assert worker["command"] == WORKER
    for name in ("image", "build", "read_only", "cap_drop", "security_opt", "tmpfs", "volumes", "cpus"):
        assert worker[name] == service[name], name
    assert worker["environment"].items() <= service["environment"].items()
    assert unknown_variables(service["environment"]) == []
    assert worker["networks"] == services["rabbitmq"]["networks"] == ["jobs"]
    assert compose["networks"]["jobs"] == {"internal": True}
    assert [name for name, each in services.items() if "ports" in each] == ["upscaler"]
    assert services["rabbitmq"]["cap_drop"] == ["ALL"]
    assert worker["healthcheck"]["test"] == ["CMD", *HEALTH], "a worker answers no HTTP"


def test_jobs_are_on_a_volume(compose: Manifest) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    store = re.search(r"UPSCALER_JOBS_STORE=(\S+)", dockerfile)
    assert store is not None
    assert f"install -d -o 10001 -g 10001 -m 0700 {store[1]}\n" in dockerfile
    assert f"jobs:{store[1]}" in compose["services"]["upscaler"]["volumes"]
    assert {"jobs", "rabbitmq"} <= set(compose["volumes"])


def test_the_code_of_jobs_is_in_the_image() -> None:
    assert "!jobs" in (ROOT / ".dockerignore").read_text().splitlines()


def test_a_worker_has_memory_for_the_largest_picture(compose: Manifest) -> None:
    """While it is encoded, with its file in the worker and in its decoder."""
    settings = Settings()
    most = 640_000_000 + BYTES_PER_PIXEL * settings.max_pixels + 2 * settings.max_body_bytes
    _, worker = pod_of(of_kind(documents(KUBERNETES / "worker.yaml"), "Deployment", "upscaler-worker"))
    assert (compose["services"]["worker"]["mem_limit"], worker["resources"]["limits"]["memory"]) == ("6g", "6Gi")
    assert most < 6 << 30


# Kubernetes


def documents(*paths: Path) -> list[Manifest]:
    return [each for path in paths for each in yaml.safe_load_all(path.read_text())]


def of_kind(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = (each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == name)
    return found


@pytest.fixture(scope="module")
def written() -> list[Manifest]:
    """The files as they are written."""
    return documents(*(KUBERNETES / f"{name}.yaml" for name in ("store", "rabbitmq", "worker", "keda")))


@pytest.fixture(scope="module", params=OVERLAYS)
def built(request: pytest.FixtureRequest) -> list[Manifest]:
    """What kustomize makes of an overlay."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed, which has kustomize")
    command = ["kubectl", "kustomize", str(OVERLAYS[request.param])]
    return list(yaml.safe_load_all(subprocess.run(command, capture_output=True, check=True).stdout))


def pod_of(manifest: Manifest) -> tuple[Manifest, Manifest]:
    """A pod, and its only container."""
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    return pod, container


def test_every_worker_is_given_the_time_for_a_block(written: list[Manifest], compose: Manifest) -> None:
    """And then some: requests or other containers may share its CPUs."""
    pod, _ = pod_of(of_kind(written, "Deployment", "upscaler-worker"))
    grace = float(compose["services"]["worker"]["stop_grace_period"].removesuffix("s"))
    assert pod["terminationGracePeriodSeconds"] == grace > max(HOLD, 3 * Settings().jobs_block_seconds)


def test_pods_of_workers_have_the_rights_of_the_service_s(written: list[Manifest]) -> None:
    pod, worker = pod_of(of_kind(written, "Deployment", "upscaler-worker"))
    service_pod, service = pod_of(of_kind(documents(BASE), "Deployment", "upscaler"))
    for name in ("securityContext", "automountServiceAccountToken", "enableServiceLinks"):
        assert pod[name] == service_pod[name]
    assert (worker["securityContext"], worker["image"]) == (service["securityContext"], service["image"])
    entrypoint = re.search(r"^ENTRYPOINT (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert entrypoint is not None
    assert worker["command"] == [*json.loads(entrypoint[1]), *WORKER]
    assert worker["resources"]["requests"]["cpu"] == worker["resources"]["limits"]["cpu"], "threads follow the limit"
    assert "ports" not in worker
    for probe in ("readinessProbe", "livenessProbe"):
        assert worker[probe]["exec"]["command"] == HEALTH


def test_workers_are_reached_by_nobody_and_reach_rabbitmq_alone(written: list[Manifest]) -> None:
    worker = of_kind(written, "NetworkPolicy", "upscaler-worker")["spec"]
    assert worker["policyTypes"] == ["Ingress", "Egress"]
    assert worker["ingress"] == []
    broker, names = worker["egress"]
    rabbitmq = of_kind(written, "NetworkPolicy", "rabbitmq")["spec"]
    assert broker == {"to": [{"podSelector": rabbitmq["podSelector"]}], "ports": [{"port": 5672}]}
    assert {each["port"] for each in names["ports"]} == {53}
    assert rabbitmq["egress"] == []
    (allowed,) = rabbitmq["ingress"][0]["from"]
    assert allowed["podSelector"]["matchExpressions"][0]["values"] == ["upscaler", "upscaler-worker"]
    assert {port["port"] for rule in rabbitmq["ingress"][1:] for port in rule["ports"]} == {15672}, "KEDA asks there"


def test_evictions_take_one_worker_at_a_time(written: list[Manifest]) -> None:
    worker = of_kind(written, "Deployment", "upscaler-worker")
    budget = of_kind(written, "PodDisruptionBudget", "upscaler-worker")["spec"]
    assert budget == {"maxUnavailable": 1, "selector": worker["spec"]["selector"]}


def test_keda_counts_blocks_that_are_being_worked_on(written: list[Manifest]) -> None:
    scaled = of_kind(written, "ScaledObject", "upscaler-worker")["spec"]
    (trigger,) = scaled["triggers"]
    metadata = trigger["metadata"]
    assert scaled["scaleTargetRef"] == {"name": "upscaler-worker"}
    assert "replicas" not in of_kind(written, "Deployment", "upscaler-worker")["spec"], "it would undo KEDA's number"
    assert trigger["type"] == "rabbitmq"
    assert (metadata["protocol"], metadata["mode"]) == ("http", "QueueLength"), "over AMQP, only those that wait"
    assert all(isinstance(value, str) for value in metadata.values())
    service = of_kind(written, "Service", "rabbitmq")
    ports = {each["name"]: each["port"] for each in service["spec"]["ports"]}
    assert re.fullmatch(rf"http://{service['metadata']['name']}\.\w+\.svc:{ports['management']}/", metadata["host"])
    for queue in ("noise-cancel-plain.int8.0123abcd", "noise-cancel-plain.int8.0123abcd.whole"):
        assert re.search(metadata["queueName"], queue)
    assert metadata["useRegex"] == "true"
    authentication = of_kind(written, "TriggerAuthentication", trigger["authenticationRef"]["name"])
    parameters = {each["parameter"]: (each["name"], each["key"]) for each in authentication["spec"]["secretTargetRef"]}
    assert parameters == {name: ("upscaler-broker", name) for name in ("username", "password")}


def test_a_picture_is_spread_over_as_many_workers_as_there_may_be(written: list[Manifest]) -> None:
    (generated,) = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["configMapGenerator"]
    settings = dict(each.split("=", 1) for each in generated["literals"])
    assert unknown_variables(settings) == []
    scaled = of_kind(written, "ScaledObject", "upscaler-worker")["spec"]
    assert read_settings(settings).jobs_workers == scaled["maxReplicaCount"]
    assert read_settings(settings).precision != "auto", "it differs between processors"


def test_service_and_workers_agree(built: list[Manifest]) -> None:
    """About the store, the broker and what decides about pixels."""
    configuration = next(each for each in built if each["kind"] == "ConfigMap")
    seen = []
    for name in ("upscaler", "upscaler-worker"):
        pod, container = pod_of(of_kind(built, "Deployment", name))
        assert {"configMapRef": {"name": configuration["metadata"]["name"]}} in container["envFrom"]
        names = [each["name"] for each in container["env"]]
        assert not set(names) & set(configuration["data"]), "they would hide what is shared"
        assert names.index("UPSCALER_BROKER") > max(map(names.index, ("BROKER_USERNAME", "BROKER_PASSWORD")))
        volume = next(each for each in pod["volumes"] if each["name"] == "jobs")
        (mount,) = (each for each in container["volumeMounts"] if each["name"] == "jobs")
        environ = {each["name"]: each for each in container["env"] if each["name"].startswith(("BROKER", "UPSCALER_B"))}
        seen.append((container["envFrom"], environ, volume, mount))
    assert seen[0] == seen[1]
    assert read_settings(configuration["data"]).jobs_store in ("/jobs", "s3://upscaler-jobs")


def test_a_bucket_needs_no_shared_volume(built: list[Manifest]) -> None:
    configuration = next(each["data"] for each in built if each["kind"] == "ConfigMap")
    in_bucket = configuration["UPSCALER_JOBS_STORE"].startswith("s3://")
    pod, container = pod_of(of_kind(built, "Deployment", "upscaler-worker"))
    volume = next(each for each in pod["volumes"] if each["name"] == "jobs")
    claims = [each for each in built if each["kind"] == "PersistentVolumeClaim"]
    assert ("emptyDir" in volume, claims == []) == (in_bucket, in_bucket)
    for name in ("upscaler", "upscaler-worker"):
        ports = [
            port["port"] for rule in of_kind(built, "NetworkPolicy", name)["spec"]["egress"] for port in rule["ports"]
        ]
        assert sorted(set(ports)) == [53, *([443] if in_bucket else []), 5672]
    if in_bucket:
        (mount,) = (each for each in container["volumeMounts"] if each["name"] == "jobs")
        assert configuration["TMPDIR"] == mount["mountPath"], "files on their way need a disk"
