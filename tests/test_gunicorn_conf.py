"""What the service does between loading the application and its first request."""

import logging
import resource
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT
from gunicorn.config import Config

import resources
from superscaling.api_keys_file import ApiKeysFile
from superscaling.errors import DeadlinePassed, EngineFailed, ServiceError

Configure = Callable[[], list[str]]


@pytest.fixture
def configure(caplog: pytest.LogCaptureFixture) -> Iterator[Configure]:
    """Run the hook; returns the lines it logs."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    def run() -> list[str]:
        names = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
        with caplog.at_level(logging.INFO, "service"):
            names["post_worker_init"](SimpleNamespace())
        return [f"{record.levelname} {record.message}" for record in caplog.records if record.name == "service"]

    yield run
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("error", [EngineFailed("it raised"), DeadlinePassed("it took too long")])
def test_a_failed_warm_up_does_not_end_the_start(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, error: ServiceError
) -> None:
    """The service starts, and is not ready."""

    def fail() -> None:
        raise error

    monkeypatch.setattr(resources.models.default.upscaler, "warm_up", fail)
    failed, listening = configure()
    assert failed == f"ERROR not ready: {error.detail}"
    assert listening.startswith("INFO listening on ")


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("0.0.0.0", "listening on 0.0.0.0 port 7000 (all addresses) model="),
        ("::", "listening on :: port 7000 (all addresses) model="),
        ("192.0.2.1", "listening on 192.0.2.1 port 7000 model="),
        ("upscale.example.com", "listening on upscale.example.com port 7000 model="),
    ],
)
@pytest.mark.parametrize("has_keys", [False, True])
def test_who_listens_to_others_without_keys_is_warned(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, said: str, has_keys: bool
) -> None:
    monkeypatch.setenv("UPSCALER_HOST", host)
    monkeypatch.setenv("PORT", "7000")
    if has_keys:
        (tmp_path / "keys").write_text("")
        monkeypatch.setattr(resources, "api_keys", ApiKeysFile(tmp_path / "keys"))
    monkeypatch.setattr(resources.models.default.upscaler, "warm_up", lambda: None)
    line, more, names = configure()
    assert line.startswith(f"INFO {said}")
    warning = "WARNING everybody who reaches this address may use the service, as there are no API keys"
    assert more.partition(";")[0] == ("INFO requests need an API key" if has_keys else warning)
    assert names.startswith("WARNING any host name is answered")
    assert "UPSCALER_ALLOWED_HOSTS" in names


def test_who_names_its_hosts_is_not_warned_of_others(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSCALER_HOST", "0.0.0.0")
    monkeypatch.setenv("UPSCALER_ALLOWED_HOSTS", "localhost")
    monkeypatch.setattr(resources.models.default.upscaler, "warm_up", lambda: None)
    assert not any("host name" in line for line in configure())


@pytest.mark.parametrize("host", [None, "127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_the_default_serves_this_machine_and_warns_of_nothing(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, host: str | None
) -> None:
    monkeypatch.delenv("UPSCALER_HOST", raising=False)
    if host is not None:
        monkeypatch.setenv("UPSCALER_HOST", host)
    monkeypatch.setenv("PORT", "7000")
    monkeypatch.setattr(resources.models.default.upscaler, "warm_up", lambda: None)
    (line,) = configure()
    assert line.startswith(f"INFO listening on {host or '127.0.0.1'} port 7000 (this machine only) model=")


@pytest.mark.parametrize(
    ("variable", "dangerous", "harmless"),
    [
        ("UPSCALER_ALLOW_ORIGINS", "*", "https://app.example.com"),
        ("UPSCALER_TRUSTED_PROXIES", "10.1.0.0/16, 0.0.0.0/0", "10.1.0.0/16"),
        ("UPSCALER_PRIVATE_NETWORKS", "::/0", "fd00::/8"),
    ],
)
def test_dangerous_settings_are_warned_of(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, variable: str, dangerous: str, harmless: str
) -> None:
    monkeypatch.setenv("UPSCALER_HOST", "127.0.0.1")
    monkeypatch.setattr(resources.models.default.upscaler, "warm_up", lambda: None)
    monkeypatch.setenv(variable, harmless)
    assert len(configure()) == 1
    monkeypatch.setenv(variable, dangerous)
    assert [line for line in configure() if line.startswith(f"WARNING {variable}")]


@pytest.mark.parametrize(("trusted", "believed"), [("", ""), ("10.1.0.0/16, ::1", "10.1.0.0/16,::1")])
def test_who_may_say_that_a_request_came_by_tls(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, trusted: str, believed: str
) -> None:
    monkeypatch.setenv("UPSCALER_TRUSTED_PROXIES", trusted)
    names = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    config = Config()
    for name in ("forwarded_allow_ips", "secure_scheme_headers", "forwarder_headers"):
        config.set(name, names[name])
    assert ",".join(config.forwarded_allow_ips) == believed
    assert config.secure_scheme_headers == {"X-FORWARDED-PROTO": "https"}
    assert config.forwarder_headers == []
