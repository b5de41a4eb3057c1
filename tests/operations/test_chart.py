"""The Helm chart, rendered by Helm itself, agrees with the manifests and with the schemas of Kubernetes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import helm_python as helm
import pytest
import yaml
from conftest import ROOT

from superscaling.settings import Settings, environment_variable, read_settings, unknown_variables

CHART = ROOT / "deploy" / "helm" / "image-super-scaling"
MANIFEST = ROOT / "deploy" / "kubernetes" / "upscaler.yaml"
WORKER = ROOT / "deploy" / "kubernetes-jobs" / "worker.yaml"
KEDA = ROOT / "deploy" / "kubernetes-jobs" / "keda.yaml"
# Kinds that Kubernetes' schemas don't have.
FOREIGN = {"ScaledObject", "TriggerAuthentication", "ServiceMonitor", "PrometheusRule"}

Values = dict[str, Any]
EVERYTHING: Values = {
    "apiKeys": {"content": "some lines\nof keys"},
    "rateStore": {"url": "valkey://:secret@valkey:6379/0"},
    "webhookSecret": {"existingSecret": "upscaler-webhook"},
    "cache": {"enabled": True},
    "ingress": {"enabled": True},
    "jobs": {"enabled": True, "keda": {"enabled": True}},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "prometheusRule": {"enabled": True},
    "grafanaDashboard": {"enabled": True},
    "networkPolicy": {"egress": [{"ports": [{"port": 6379}]}]},
    "podAnnotations": {"example.com/team": "pictures"},
    "podLabels": {"team": "pictures"},
    "podSecurityContext": {"supplementalGroups": [2000], "fsGroupChangePolicy": "OnRootMismatch"},
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "cpu", "operator": "Exists"}],
    "imagePullSecrets": [{"name": "registry"}],
    "extraEnv": [{"name": "AWS_REGION", "value": "eu-central-1"}],
}
BUCKET: Values = {"jobs": {"enabled": True, "store": {"url": "s3://upscaler-jobs", "existingSecret": "upscaler-store"}}}
CASES: dict[str, Values] = {"defaults": {}, "everything": EVERYTHING, "bucket": BUCKET}


def render(values: Values, name: str = "upscaler") -> list[dict[str, Any]]:
    with helm.Chart.load(str(CHART)) as chart:
        files = chart.render(values, name=name, namespace="default")
    return [each for path, text in files.items() if path.endswith(".yaml") for each in yaml.safe_load_all(text) if each]


def one(documents: list[dict[str, Any]], kind: str, name: str = "upscaler") -> dict[str, Any]:
    (found,) = (each for each in documents if each["kind"] == kind and each["metadata"]["name"] == name)
    return found


def container(deployment: dict[str, Any]) -> dict[str, Any]:
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def environment(deployment: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container(deployment)["env"] if "value" in each}


def lacks(rendered: object, written: object, path: str = "") -> list[str]:
    """What the manifest has and the chart has not, by path; the chart may have more names in maps."""
    if isinstance(written, dict) and isinstance(rendered, dict):
        return [line for key, each in written.items() for line in lacks(rendered.get(key), each, f"{path}.{key}")]
    if isinstance(written, list) and isinstance(rendered, list) and len(written) == len(rendered):
        pairs = zip(rendered, written, strict=True)
        return [line for number, (left, right) in enumerate(pairs) for line in lacks(left, right, f"{path}[{number}]")]
    return [] if rendered == written else [f"{path}: {rendered!r} instead of {written!r}"]


@pytest.mark.parametrize("case", CASES)
def test_lint(case: str) -> None:
    report = helm.lint(str(CHART), CASES[case], strict=True)
    assert report["errors"] == []
    assert [each for each in report["messages"] if each["severity"] > 1] == []


@pytest.mark.parametrize("version", ["1.25", "1.37"])
def test_schemas(version: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{case}.yaml" for case in CASES]
    for file in files:
        file.write_text(yaml.safe_dump_all(each for each in render(CASES[file.stem]) if each["kind"] not in FOREIGN))
    validate = Path(sys.executable).parent / "kubernetes-validate"
    command = [str(validate), "--strict", "--kubernetes-version", version, *map(str, files)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_defaults_are_those_of_the_manifest() -> None:
    rendered = render({})
    for written in yaml.safe_load_all(MANIFEST.read_text()):
        mine = one(rendered, written["kind"])
        if written["kind"] == "Deployment":
            hosts = environment(mine).pop("UPSCALER_ALLOWED_HOSTS")
            assert hosts == "upscaler,upscaler.default,upscaler.default.svc"
            theirs = environment(written)
            theirs["UPSCALER_ALLOWED_HOSTS"] = hosts
            assert environment(mine) == theirs
            for each in (mine, written):
                container(each).pop("env")
        assert lacks(mine["spec"], written["spec"]) == [], written["kind"]


def test_workers_are_those_of_the_manifest() -> None:
    rendered = render({"jobs": {"enabled": True, "keda": {"enabled": True}}})
    worker, budget, policy = yaml.safe_load_all(WORKER.read_text())
    mine = one(rendered, "Deployment", "upscaler-worker")
    assert "replicas" not in mine["spec"], "it would undo KEDA's number"
    service = one(rendered, "Deployment")
    mine_all, service_all = environment(mine), environment(service)
    assert service_all.pop("UPSCALER_API_KEYS_FILE")
    assert mine_all == service_all, "service and workers agree"
    broker = {name: mine_all[name] for name in ("UPSCALER_BROKER", "UPSCALER_LOG_FORMAT")}
    assert broker == environment(worker)
    for each in (mine, worker):
        container(each).pop("env")
        container(each).pop("envFrom", None)
    assert lacks(mine["spec"], worker["spec"]) == []
    assert lacks(one(rendered, "PodDisruptionBudget", "upscaler-worker")["spec"], budget["spec"]) == []
    assert lacks(one(rendered, "NetworkPolicy", "upscaler-worker")["spec"], policy["spec"]) == []
    for written in yaml.safe_load_all(KEDA.read_text()):
        name = written["metadata"]["name"]
        assert lacks(one(rendered, written["kind"], name)["spec"], written["spec"]) == [], name


def test_every_setting_can_be_set_by_its_name() -> None:
    names = {name: environment_variable(name) for name in Settings.__dataclass_fields__}
    own = {"UPSCALER_API_KEYS_FILE", "UPSCALER_BROKER"}
    texts = {
        "UPSCALER_TIMEOUT": 120.5,
        "UPSCALER_MAX_PIXELS": 64_000_000,
        "UPSCALER_URL_HOSTS": ["a.example", "b.example"],
    }
    chosen = {
        variable: Settings.__dataclass_fields__[name].metadata["default"] for name, variable in names.items()
    } | texts
    chosen = {variable: value for variable, value in chosen.items() if variable not in own}
    deployment = one(render({"settings": chosen}), "Deployment")
    found = environment(deployment)
    assert unknown_variables(found) == []
    assert chosen.keys() <= found.keys()
    assert found["UPSCALER_MAX_PIXELS"] == "64000000", "without an exponent"
    settings = read_settings(found)
    assert (settings.timeout, settings.url_hosts) == (120.5, ("a.example", "b.example"))
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 136


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"settings": {"UPSCALER_MAX_REQUEST": 5}}, "UPSCALER_MAX_REQUEST"),
        ({"settings": {"UPSCALER_MAX_REQUESTS": "many"}}, "UPSCALER_MAX_REQUESTS"),
        ({"settings": {"UPSCALER_TIMEOUT": 0}}, "UPSCALER_TIMEOUT"),
        ({"replicaCount": 3}, "replicaCount"),
        ({"podSecurityContext": [2000]}, "podSecurityContext"),
        ({"ingress": {"host": "a.example"}}, "host"),
        ({"apiKeys": {"existingSecret": ""}}, "apiKeys needs existingSecret or content"),
        ({"settings": {"UPSCALER_API_KEYS_FILE": "/k"}}, "leave it out"),
        ({"jobs": {"enabled": True}, "settings": {"UPSCALER_BROKER": "amqp://a:b@c"}}, "jobs.broker"),
        ({"rateStore": {"url": "redis://a", "existingSecret": "b"}}, "leave one out"),
        ({"serviceMonitor": {"enabled": True}, "settings": {"UPSCALER_METRICS_PORT": 0}}, "UPSCALER_METRICS_PORT"),
    ],
)
def test_values_that_are_wrong_are_named(values: Values, said: str) -> None:
    """By the schema, which `helm lint` has read, or by a template, which it goes on after."""
    errors = "\n".join(helm.lint(str(CHART), values)["errors"])
    if not errors:
        with pytest.raises(helm.HelmRenderError) as raised:
            render(values)
        errors = str(raised.value)
    assert said in errors


def test_secrets_are_in_secrets_alone() -> None:
    documents = render(EVERYTHING)
    for secret in ("some lines", "valkey://:secret"):
        assert [each["kind"] for each in documents if secret in yaml.safe_dump(each)] == ["Secret"]
    names = {each["metadata"]["name"] for each in documents if each["kind"] == "Secret"}
    assert names == {"upscaler-api-keys", "upscaler-rate-store"}


def test_rules_and_dashboard_are_the_files_of_the_repository() -> None:
    documents = render(EVERYTHING)
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text())
    assert one(documents, "PrometheusRule")["spec"] == rules
    (dashboard,) = one(documents, "ConfigMap", "upscaler-dashboard")["data"].values()
    assert dashboard.strip() == (ROOT / "deploy" / "grafana" / "dashboard.json").read_text().strip()
    monitored = one(documents, "ServiceMonitor")["spec"]
    labels = one(documents, "Service", "upscaler-metrics")["metadata"]["labels"]
    assert monitored["selector"]["matchLabels"].items() <= labels.items()
    assert not monitored["selector"]["matchLabels"].items() <= one(documents, "Service")["metadata"]["labels"].items()


@pytest.mark.parametrize(
    ("chosen", "changed"),
    [
        ({}, {}),
        ({"supplementalGroups": [2000, 2001]}, {"supplementalGroups": [2000, 2001]}),
        ({"fsGroup": 2000, "fsGroupChangePolicy": "OnRootMismatch"},) * 2,
        ({"runAsUser": None, "runAsGroup": None}, {"runAsUser": None, "runAsGroup": None}),
    ],
)
def test_the_security_context_of_pods(chosen: Values, changed: Values) -> None:
    """Of service and workers alike, which share the volume of jobs; what is not named stays."""
    (written,) = (each for each in yaml.safe_load_all(MANIFEST.read_text()) if each["kind"] == "Deployment")
    wanted = written["spec"]["template"]["spec"]["securityContext"] | changed
    documents = render({"jobs": {"enabled": True}, "podSecurityContext": chosen})
    for name in ("upscaler", "upscaler-worker"):
        context = one(documents, "Deployment", name)["spec"]["template"]["spec"]["securityContext"]
        assert context == {field: value for field, value in wanted.items() if value is not None}


def test_names_follow_the_release() -> None:
    names = {each["metadata"]["name"] for each in render({}, name="pictures")}
    assert names == {"pictures-upscaler"}
