"""Every setting of the service: default, unit and a sentence; the only reader of the environment."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from superscaling.errors import SettingInvalid

PREFIX = "UPSCALER_"
ROOT = Path(__file__).resolve().parent.parent


def _text(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return parse


def _one_number_of(*choices: int) -> Callable[[str], int]:
    parse = _one_of(*map(str, choices))
    return lambda text: int(parse(text))


def _whole(least: int, most: int | None = None) -> Callable[[str], int]:
    def parse(text: str) -> int:
        allowed = f"a whole number from {least}" + ("" if most is None else f" to {most}")
        try:
            number = int(text)
        except ValueError:
            raise ValueError(f"must be {allowed}") from None
        if number < least or (most is not None and number > most):
            raise ValueError(f"must be {allowed}")
        return number

    return parse


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 < number <= 86_400:
        raise ValueError("must be a number of seconds above 0, at most 86400")
    return number


def _directory(text: str) -> Path:
    return Path(_text(text)).expanduser()


def _optional_directory(text: str) -> Path | None:
    return _directory(text) if text else None


def _setting(default: str, parse: Callable[[str], Any], unit: str, sentence: str) -> Any:
    """A field of `Settings`: the default is written as a user would write it in the environment."""
    return field(
        default=parse(default),
        metadata={"default": default, "parse": parse, "unit": unit, "sentence": sentence},
    )


@dataclass(frozen=True)
class Settings:
    """What an operator can set; field `x` is read from `UPSCALER_X` (`port` from `PORT`)."""

    model: str = _setting("noise-cancel-lite", _text, "name", "The model to serve, by its name in the model table.")
    engine: str = _setting(
        "openvino",
        _one_of("openvino", "tensorflow"),
        "name",
        "What runs the network: `openvino`, or `tensorflow` (ISR's own classes: the slow reference).",
    )
    precision: str = _setting(
        "auto",
        _one_of("auto", "fp32", "bf16", "int8"),
        "name",
        "Arithmetic of the network: `auto` (the fastest that the processor has and the model passed), `int8`, `bf16` or"
        " `fp32`; one that is not there stops the start.",
    )
    self_ensemble: int = _setting(
        "1",
        _one_number_of(1, 2, 4, 8),
        "views",
        "How often the network sees each tile, turned and mirrored (1, 2, 4 or 8); the mean is the answer: more exact,"
        " and as many times as slow.",
    )
    weights_dir: Path | None = _setting(
        "", _optional_directory, "path", "A directory that is searched first for weight files; empty: none."
    )
    weights_url: str = _setting(
        "",
        str,
        "URL",
        "Replaces the place idealo's weights are downloaded from: the file name is appended; empty: idealo's own.",
    )
    cache_dir: Path = _setting(
        "~/.cache/image-super-scaling", _directory, "path", "Where downloaded and converted weights are kept."
    )
    threads: int = _setting(
        "0",
        _whole(0, 1024),
        "threads",
        "Threads of the network; 0: as many as the CPU quota of the container or the machine allows.",
    )
    tile: int = _setting(
        "256",
        _whole(16, 4096),
        "px",
        "Edge of a tile without its halo: smaller takes less memory and shorter turns, larger less repeated work.",
    )
    quality: int = _setting(
        "100",
        _whole(1, 100),
        "1-100",
        "Quality of JPEG and WebP answers that ask for none; from 90 up JPEG is written 4:4:4.",
    )
    max_body_bytes: int = _setting(
        "47185920",
        _whole(1),
        "bytes",
        "Largest request body (the default is 45 MiB: an image file of 33 MiB in base64).",
    )
    max_pixels: int = _setting("25000000", _whole(1), "px", "Largest picture, width times height times frames.")
    max_frames: int = _setting("100", _whole(1), "frames", "Most frames of an animation, or pages.")
    max_requests: int = _setting(
        "16", _whole(1, 1000), "requests", "Upscale requests held at a time; one more is answered 429 at once."
    )
    queue_pixels: int = _setting(
        "50000000",
        _whole(1),
        "px",
        "Most pixels worked on at a time, those of a WebP counting thrice; a picture that would be too many is answered"
        " 429, unless it is alone.",
    )
    read_timeout: float = _setting(
        "30",
        _seconds,
        "s",
        "Time a client has for its request's head, for its body, and to take each MiB of the answer.",
    )
    timeout: float = _setting(
        "90",
        _seconds,
        "s",
        "Time a request may take once its body is there; a picture that would take longer is refused at once.",
    )
    stream_timeout: float = _setting(
        "3600", _seconds, "s", "The same for a request that is answered as a stream of events."
    )
    host: str = _setting("0.0.0.0", _text, "address", "Address to listen on.")
    port: int = _setting("7777", _whole(1, 65_535), "port", "Port to listen on (plain `PORT`, without the prefix).")
    log_level: str = _setting(
        "info", _one_of("debug", "info", "warning", "error"), "name", "Least severity that is logged."
    )
    log_format: str = _setting(
        "text", _one_of("text", "json"), "name", "One line of text, or one JSON object, per log record."
    )


def environment_variable(field_name: str) -> str:
    """The environment variable that sets a field of `Settings`."""
    return "PORT" if field_name == "port" else PREFIX + field_name.upper()


def invalid(field_name: str, value: object, reason: str) -> SettingInvalid:
    """The error for a value that a setting can't have. (To be raised.)"""
    return SettingInvalid(f"{environment_variable(field_name)}={value!r}: {reason}")


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read every setting that `environ` has.

    Raises:
        SettingInvalid: a value can't be used; the message names the variable, the value and what is allowed.
    """
    values = {}
    for each in fields(Settings):
        variable = environment_variable(each.name)
        if variable not in environ:
            continue
        try:
            values[each.name] = each.metadata["parse"](environ[variable].strip())
        except ValueError as exc:
            raise invalid(each.name, environ[variable], str(exc)) from exc
    return Settings(**values)


def unknown_variables(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Variables with our prefix that set nothing: most likely misspelt.

    They are no reason to refuse to start: an orchestrator may set some, named after a service called "upscaler".
    """
    known = {environment_variable(each.name) for each in fields(Settings)}
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
