import re
from dataclasses import fields
from pathlib import Path

import pytest
from conftest import ROOT

from docs_pictures import settings_table
from superscaling.errors import SettingInvalid
from superscaling.logs import log_config
from superscaling.settings import Settings, environment_variable, read_settings, unknown_variables

PACKAGES = ("http_edge", "message_protocol", "superscaling", "upscale")


def test_defaults() -> None:
    assert read_settings({}) == Settings()
    assert Settings().max_body_bytes == 64 * 1024 * 1024


def test_read() -> None:
    settings = read_settings(
        {
            "PORT": "80",
            "UPSCALER_MODEL": "psnr-small",
            "UPSCALER_TIMEOUT": "2.5",
            "UPSCALER_WEIGHTS_DIR": "/weights",
            "UPSCALER_TILE": " 64 ",
            "UNRELATED": "x",
        }
    )
    assert (settings.port, settings.model, settings.timeout, settings.tile) == (80, "psnr-small", 2.5, 64)
    assert settings.weights_dir == Path("/weights")


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PORT", "", "must be a whole number from 1 to 65535"),
        ("PORT", "0", "must be a whole number from 1 to 65535"),
        ("UPSCALER_MODEL", "", "must not be empty"),
        ("UPSCALER_ENGINE", "OpenVINO", "must be one of openvino, tensorflow"),
        ("UPSCALER_PRECISION", "fp8", "must be one of auto, fp32, fp16, bf16, int8"),
        ("UPSCALER_DEVICE", "", "must be CPU, GPU, GPU.1 (or another number), NPU or AUTO"),
        ("UPSCALER_DEVICE", "cpu", "must be CPU, GPU, GPU.1 (or another number), NPU or AUTO"),
        ("UPSCALER_DEVICE", "GPU.", "must be CPU, GPU, GPU.1 (or another number), NPU or AUTO"),
        ("UPSCALER_DEVICE", "AUTO:GPU,CPU", "must be CPU, GPU, GPU.1 (or another number), NPU or AUTO"),
        ("UPSCALER_SELF_ENSEMBLE", "3", "must be one of 1, 2, 4, 8"),
        ("UPSCALER_CACHE_DIR", "", "must not be empty"),
        ("UPSCALER_THREADS", "-1", "must be a whole number from 0 to 1024"),
        ("UPSCALER_TILE", "15", "must be a whole number from 16 to 4096"),
        ("UPSCALER_QUALITY", "101", "must be a whole number from 1 to 100"),
        ("UPSCALER_MAX_BODY_BYTES", "45M", "must be a whole number from 1"),
        ("UPSCALER_MAX_PIXELS", "1e6", "must be a whole number from 1"),
        ("UPSCALER_MAX_REQUESTS", "0", "must be a whole number from 1 to 1000"),
        ("UPSCALER_READ_TIMEOUT", "0", "must be a number of seconds above 0"),
        ("UPSCALER_TIMEOUT", "nan", "must be a number of seconds above 0"),
        ("UPSCALER_TIMEOUT", "inf", "must be a number of seconds above 0"),
        ("UPSCALER_LOG_LEVEL", "INFO", "must be one of debug, info, warning, error"),
        ("UPSCALER_LOG_FORMAT", "xml", "must be one of text, json"),
    ],
)
def test_bad_values_name_the_variable(variable: str, value: str, message: str) -> None:
    with pytest.raises(SettingInvalid, match=re.escape(f"{variable}={value!r}: {message}")):
        read_settings({variable: value})


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        ("UPSCALER_RATE_STORE", "redis://user:secret@host:port/0", "redis://***@host:port/0"),
        ("UPSCALER_RATE_STORE", "redis://:a/secret?@#@host/a", "redis://***@host/a"),
        ("UPSCALER_RATE_STORE", "redis://host?password=secret", "redis://host?***"),
        ("UPSCALER_BROKER", "redis://user:secret@host", "redis://***@host"),
        ("UPSCALER_BROKER", "user:secret@host", "***@host"),
        ("UPSCALER_TRACES_URL", "ftp://user:secret@host", "ftp://***@host"),
        ("UPSCALER_JOBS_STORE", "https://user:secret@host", "https://***@host"),
    ],
)
def test_errors_show_no_passwords(variable: str, value: str, shown: str) -> None:
    with pytest.raises(SettingInvalid, match=re.escape(f"{variable}={shown!r}: must be")) as refused:
        read_settings({variable: value})
    assert "secret" not in repr(refused.value)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("UPSCALER_TRUSTED_PROXIES", "::ffff:10.1.0.5", "write 10.1.0.5/32"),
        ("UPSCALER_TRUSTED_PROXIES", "10.2.0.0/16, ::ffff:10.1.0.0/112", "write 10.1.0.0/16"),
        ("UPSCALER_PRIVATE_NETWORKS", "::ffff:0:0/96", "write 0.0.0.0/0"),
        ("UPSCALER_ALLOWED_HOSTS", "*.1.2.3.4", "no names below an address"),
        ("UPSCALER_ALLOWED_HOSTS", "*.[::1]:80", "no names below an address"),
    ],
)
def test_what_would_never_match_is_refused(variable: str, value: str, message: str) -> None:
    with pytest.raises(SettingInvalid, match=re.escape(message)):
        read_settings({variable: value})


def test_misspelt_variables() -> None:
    environ = {"UPSCALER_TIMOUT": "7", "UPSCALER_TIMEOUT": "7", "UPSCALER_PORT": "80", "PORT": "80", "PATH": "/"}
    assert unknown_variables(environ) == ["UPSCALER_PORT", "UPSCALER_TIMOUT"]


def test_the_document_is_the_generated_one() -> None:
    assert settings_table.DOCUMENT.read_text() == settings_table.describe(), "run `make settings`"


def test_groups_are_not_torn_apart() -> None:
    groups = [field.metadata["group"] for field in fields(Settings)]
    order = ["Model", "Images", "Load", "Jobs", "Access", "Server"]
    assert list(dict.fromkeys(groups)) == order
    assert groups == sorted(groups, key=order.index)


def test_messages_name_settings_that_there_are() -> None:
    """Whatever names one in a string: what is not known would be no help."""
    known = {environment_variable(field.name) for field in fields(Settings)} | {"UPSCALER_X"}  # for any of them
    for path in (*ROOT.glob("*.py"), *(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))):
        named = set(re.findall(r"\bUPSCALER_[A-Z_]*[A-Z]\b", path.read_text()))
        assert named <= known, path


@pytest.mark.parametrize(("level", "gunicorns"), [("debug", "WARNING"), ("info", "WARNING"), ("error", "ERROR")])
def test_no_log_is_more_talkative_than_asked_for(level: str, gunicorns: str) -> None:
    config = log_config(Settings(log_level=level))
    assert config["root"]["level"] == level.upper()
    assert config["loggers"]["gunicorn.error"]["level"] == gunicorns
