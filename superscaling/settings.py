"""Every setting of the service, with default, unit, group and description. Nothing else reads the environment."""

import contextlib
import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from superscaling.errors import SettingInvalid
from superscaling.web_names import read_host, read_origin

PREFIX = "UPSCALER_"
# What has the API key that the command line sends to a service; no setting of the service.
CLIENT_KEY = "UPSCALE_API_KEY"
# What `python -m` finds the packages in: the root of the repository or of the image, or site-packages.
ROOT = Path(__file__).resolve().parent.parent

RATE_STORES = ("redis", "rediss", "valkey", "valkeys")
# Up to the last @, as passwords may have any character.
USER_INFO = re.compile(r"^([A-Za-z0-9+.-]+://)?.*@", re.DOTALL)
SECRET_QUERY = re.compile(r"\?.+", re.DOTALL)
RATE = re.compile(r"[1-9][0-9]{0,8}/(second|minute|hour|day)")

# The groups of settings, which are the headings of docs/settings.md.
MODEL, IMAGES, LOAD, JOBS, ACCESS, SERVER = "Model", "Images", "Load", "Jobs", "Access", "Server"


def shipped(folder: str) -> Path:
    """Return where a folder of files that belong to the code lies: inside the package in a wheel, else in the root."""
    packed = Path(__file__).with_name("shipped") / folder
    return packed if packed.is_dir() else ROOT / folder


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


def _device(text: str) -> str:
    if not re.fullmatch(r"CPU|GPU(\.\d{1,2})?|NPU|AUTO", text):
        raise ValueError("must be CPU, GPU, GPU.1 (or another number), NPU or AUTO")
    return text


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


def _amount(unit: str, most: int) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = -1
        if not 0 < number <= most:
            raise ValueError(f"must be a number of {unit} above 0, at most {most}")
        return number

    return parse


_seconds = _amount("seconds", 86_400)
_hours = _amount("hours", 8_760)


def _path(text: str) -> Path:
    try:
        return Path(_text(text)).expanduser()
    except RuntimeError as exc:
        raise ValueError("there is no such user") from exc


def _optional_path(text: str) -> Path | None:
    return _path(text) if text else None


def _store(text: str) -> str:
    """A directory, or `s3://bucket/prefix`; empty: none."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return str(_path(text)) if text else text
    if scheme != "s3" or not rest.partition("/")[0]:
        raise ValueError("must be a directory, or s3://bucket or s3://bucket/prefix")
    return text.rstrip("/")


def _broker(text: str) -> str:
    if text and not text.startswith(("amqp://", "amqps://")):
        # Celery on Redis loses jobs and stalls: docs/decisions/0038-celery-on-rabbitmq.md
        raise ValueError("must be an address such as amqp://user:password@host:5672//, of RabbitMQ")
    return text


def _http_url(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise ValueError("must be an address such as http://localhost:4318")
    return text


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name for part in text.split(",") if (name := part.strip()))
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"names {twice[0]} more than once")
    return names


def _networks(text: str) -> tuple[str, ...]:
    names = _names(text)
    for name in names:
        try:
            network = ipaddress.ip_network(name)
        except ValueError as exc:
            raise ValueError(f"{name} is neither an address nor a network such as 10.1.0.0/16: {exc}") from exc
        if isinstance(network, ipaddress.IPv6Network) and (inner := network.network_address.ipv4_mapped):
            four = ipaddress.ip_network((int(inner), max(0, network.prefixlen - 96)), strict=False)
            raise ValueError(f"{name} is IPv4 written as IPv6: write {four}")
    return names


def _served_hosts(text: str) -> tuple[str, ...]:
    """Names of hosts, `*.name` for all below one, or `*` for all."""
    names = _names(text.lower())
    for name in names:
        if name != "*":
            try:
                host = read_host(name.removeprefix("*."))
            except ValueError as exc:
                raise ValueError(f"{name} is no host: it {exc}; *.example.com: all below; *: all") from exc
            if host.is_address and name.startswith("*."):
                raise ValueError(f"{name}: there are no names below an address, and addresses are always served")
    return names


def _origins(text: str) -> tuple[str, ...]:
    """Origins as browsers write them, or `*` for all."""
    names = _names(text)
    if "*" in names and len(names) > 1:
        raise ValueError("names all origins (*), and others beside them")
    return names if "*" in names else _names(",".join(map(_origin, names)))


def _origin(name: str) -> str:
    try:
        return str(read_origin(name.removesuffix("/")))
    except ValueError as exc:
        raise ValueError(f"{name} is no origin: it {exc}") from exc


def _rate(text: str) -> str:
    """So many per second, minute, hour or day; empty: any number."""
    if text and not RATE.fullmatch(text):
        raise ValueError("must be a number per second, minute, hour or day, such as 120/minute")
    return text


def _rate_store(text: str) -> str:
    if not text:
        return text
    try:
        parts = urlsplit(text)
        # Options in a query would be told to the client library, which fails only when it connects.
        is_address = (
            not parts.query
            and not parts.fragment
            and parts.scheme in RATE_STORES
            and bool(parts.hostname)
            and parts.port != 0
        )
        is_address = is_address and re.fullmatch(r"/?|/[0-9]{1,4}", parts.path) is not None
    except ValueError:  # of the port, or of brackets
        is_address = False
    if not is_address:
        raise ValueError("must be an address such as redis://host:6379/0 or valkey://host:6379/0")
    return text


def _setting(default: str, parse: Callable[[str], Any], unit: str, group: str, sentence: str) -> Any:
    """Declare a field of `Settings`; `default` is written as in the environment.

    The metadata is what `docs_pictures/settings_table.py` prints as docs/settings.md.
    """
    return field(
        default=parse(default),
        metadata={"default": default, "parse": parse, "unit": unit, "group": group, "sentence": sentence},
    )


@dataclass(frozen=True)
class Settings:
    """What an operator can set. Field `x` is read from `UPSCALER_X`, and `port` from `PORT`."""

    model: str = _setting(
        "noise-cancel-plain",
        _text,
        "name",
        MODEL,
        "The model for requests that name none: its name in the model table, that of an imported one, or the path of a"
        " file (`.onnx`; `.param` or `.bin` of ncnn; `.npz` of this project's training; `.safetensors`, `.pth`, `.pt`,"
        " `.ckpt`).",
    )
    models: tuple[str, ...] = _setting(
        "",
        _names,
        "names",
        MODEL,
        "Further models that requests may ask for, named in the same way, separated by commas; empty: none. The"
        " settings of engine and precision hold for all models; `auto` chooses for each.",
    )
    engine: str = _setting(
        "openvino",
        _one_of("openvino", "tensorflow"),
        "name",
        MODEL,
        "What runs the network: `openvino`, or `tensorflow` (ISR's own classes, the slow reference).",
    )
    precision: str = _setting(
        "auto",
        _one_of("auto", "fp32", "fp16", "bf16", "int8"),
        "name",
        MODEL,
        "Arithmetic of the network: `int8`, `bf16`, `fp16`, `fp32`, or `auto`, the fastest that the processor supports"
        " and the model passed acceptance in. One that is not available stops the start.",
    )
    device: str = _setting(
        "CPU",
        _device,
        "name",
        MODEL,
        "What the network runs on, as OpenVINO names it: `CPU`, `GPU`, `GPU.1`, `NPU`; or `AUTO`, a GPU if there is one"
        " at the start, otherwise the CPU. One that is not there stops the start.",
    )
    self_ensemble: int = _setting(
        "1",
        _one_number_of(1, 2, 4, 8),
        "views",
        MODEL,
        "How many views of each tile, flipped and transposed, are averaged (1, 2, 4 or 8): more exact, and"
        " proportionally slower.",
    )
    weights_dir: Path | None = _setting(
        "", _optional_path, "path", MODEL, "A directory that is searched first for weight files; empty: none."
    )
    weights_url: str = _setting(
        "",
        str,
        "URL",
        MODEL,
        "Where idealo's weights are downloaded from; the file name is appended. Empty: idealo's server.",
    )
    cache_dir: Path = _setting(
        "~/.cache/image-super-scaling",
        _path,
        "path",
        MODEL,
        "Where downloaded and converted weights are kept.",
    )
    threads: int = _setting(
        "0",
        _whole(0, 1024),
        "threads",
        MODEL,
        "Threads of the network; 0: as many as the CPU quota of the container or the machine allows.",
    )
    tile: int = _setting(
        "256",
        _whole(16, 4096),
        "px",
        MODEL,
        "Largest edge of a tile without its halo. Smaller tiles take less memory and shorter turns, larger ones repeat"
        " less work.",
    )
    quality: int = _setting(
        "92",
        _whole(1, 100),
        "1-100",
        IMAGES,
        "Quality of JPEG, WebP and AVIF outputs unless the request has one; from 90 up JPEG is written 4:4:4.",
    )
    max_body_bytes: int = _setting(
        "67108864",
        _whole(1),
        "bytes",
        IMAGES,
        "Largest request body (the default is 64 MiB: an image file of 48 MiB in base64).",
    )
    max_pixels: int = _setting("64000000", _whole(1), "px", IMAGES, "Largest image: width times height times frames.")
    max_result_pixels: int = _setting(
        "256000000",
        _whole(1),
        "px",
        IMAGES,
        "Largest result: width times height times frames. The default is that of the largest image at twice its size.",
    )
    max_frames: int = _setting("1000", _whole(1), "frames", IMAGES, "Most frames of an animation, or pages.")
    max_requests: int = _setting(
        "16", _whole(1, 1000), "requests", LOAD, "Upscale requests held at a time; one more is answered with 429."
    )
    queue_pixels: int = _setting(
        "75000000",
        _whole(1),
        "px",
        LOAD,
        "Most pixels in progress, those of a WebP or AVIF output counting three times, of a GIF twice; an image"
        " that would exceed this is answered with 429, unless it is the only one. A single WebP, AVIF or GIF output may"
        " not exceed it.",
    )
    read_timeout: float = _setting(
        "30",
        _seconds,
        "s",
        LOAD,
        "Time a client has to send the request head, to send the body, and to read each MiB of the answer.",
    )
    timeout: float = _setting(
        "90",
        _seconds,
        "s",
        LOAD,
        "Time a request may take once its body has arrived; an image that would take longer is rejected.",
    )
    stream_timeout: float = _setting(
        "3600", _seconds, "s", LOAD, "The same for a request that is answered as a stream of events."
    )
    decode_timeout: float = _setting(
        "30",
        _seconds,
        "s",
        LOAD,
        "Time that inspecting an image file, and then decoding it, may take each; a decoder that takes longer is ended,"
        " and its image rejected.",
    )
    jobs_store: str = _setting(
        "~/.local/share/image-super-scaling/jobs",
        _store,
        "path or URL",
        JOBS,
        "Where jobs are kept: a directory, or `s3://bucket/prefix` (credentials, region and endpoint from the usual"
        " `AWS_*` variables). Empty: no jobs are taken.",
    )
    broker: str = _setting(
        "",
        _broker,
        "URL",
        JOBS,
        "RabbitMQ, such as `amqp://user:password@host:5672//`: workers on any number of machines do the jobs. Empty:"
        " this process does them itself.",
    )
    jobs_queue_pixels: int = _setting(
        "2000000000",
        _whole(1),
        "px",
        JOBS,
        "Most pixels of all jobs that have not ended, where three bytes of an image file count as a pixel if that is"
        " more; a job that would exceed this is answered with 429, unless it is the only one.",
    )
    jobs_max_pixels: int = _setting(
        "400000000",
        _whole(1),
        "px",
        JOBS,
        "Largest image of a job. Above `UPSCALER_MAX_PIXELS` it must be a JPEG, PNG or TIFF with one opaque picture.",
    )
    jobs_max_result_pixels: int = _setting("1600000000", _whole(1), "px", JOBS, "Largest result of such a large job.")
    jobs_max_body_bytes: int = _setting(
        "2147483648",
        _whole(1),
        "bytes",
        JOBS,
        "Largest image file of a job that is sent as it is. It goes to the store piece by piece. For JSON and forms,"
        " `UPSCALER_MAX_BODY_BYTES` applies.",
    )
    jobs_body_timeout: float = _setting(
        "600", _seconds, "s", JOBS, "Time a client has to send an image file that is sent as it is."
    )
    jobs_keep: float = _setting(
        "24",
        _hours,
        "h",
        JOBS,
        "How long a job's result is kept after its end. Its record (options, owner, group, webhook, but no pixels) is"
        " kept seven times as long, so that its client hears that it has expired.",
    )
    keep_minutes: int = _setting(
        "15",
        _whole(0, 1440),
        "min",
        JOBS,
        "How long the result of a request that asks for it (`Prefer: keep`, as the page does) is kept, to be had in"
        " other formats without being enlarged again; 0: not at all.",
    )
    keep_bytes: int = _setting(
        "1073741824",
        _whole(1),
        "bytes",
        JOBS,
        "What all of these results may take in the store, with their pixels: 3 bytes each, or up to 8. The oldest"
        " give way to new ones.",
    )
    jobs_block_seconds: float = _setting(
        "15",
        _seconds,
        "s",
        JOBS,
        "How long a block of a picture should take a worker, by the measured speed: that is lost at most if it is"
        " killed, and others may have to wait for that long.",
    )
    jobs_workers: int = _setting(
        "0",
        _whole(0, 10_000),
        "workers",
        JOBS,
        "The most workers that one picture is spread over, such as the size that the fleet may grow to; 0: as many as"
        " there are when its job begins.",
    )
    jobs_owner_header: str = _setting(
        "",
        str,
        "header",
        JOBS,
        "A request header with the user's name, which a proxy that authenticates users sets, such as `X-Remote-User`:"
        " jobs are seen by their owner only. Empty: by the owner of the API key or, without keys, by whoever knows a"
        " job's id or the name of its group.",
    )
    webhook_hosts: tuple[str, ...] = _setting(
        "",
        _names,
        "hosts",
        JOBS,
        "Hosts, as `name`, `name:port` or `*.name`, that jobs may report their end to, separated by commas."
        " `*`: all public ones, at the usual ports and those from 1024 on. Empty: none.",
    )
    webhook_secret_file: Path | None = _setting(
        "",
        _optional_path,
        "path",
        JOBS,
        "A file with the secret that webhooks are signed with, as Standard Webhooks writes it (`whsec_` and base64).",
    )
    api_keys_file: Path | None = _setting(
        "",
        _optional_path,
        "path",
        ACCESS,
        "A file of API keys, as `python -m superscaling.commands.keys` writes it; it is read again when it changes."
        " Empty: everybody may use the service.",
    )
    rate_requests: str = _setting(
        "",
        _rate,
        "rate",
        ACCESS,
        "Most requests of a client, such as `120/minute`: of a key's owner, or without keys of an address. Empty: any"
        " number.",
    )
    rate_megapixels: str = _setting(
        "",
        _rate,
        "rate",
        ACCESS,
        "Most megapixels of images that a client may send, such as `500/hour`; a key may have its own. Empty: any"
        " number.",
    )
    rate_store: str = _setting(
        "",
        _rate_store,
        "URL",
        ACCESS,
        "Where several replicas count together: `redis://host:6379/0` or `valkey://host:6379/0`. Empty, or while that"
        " fails: each replica counts for itself.",
    )
    trusted_proxies: tuple[str, ...] = _setting(
        "",
        _networks,
        "networks",
        ACCESS,
        "Proxies, as addresses or networks, whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. Empty: none.",
    )
    allowed_hosts: tuple[str, ...] = _setting(
        "",
        _served_hosts,
        "hosts",
        ACCESS,
        "Names by which the service is reached, such as `upscale.example.com` or `*.example.com`, with a port if only"
        " that one is meant: requests whose `Host` is another one are refused, but for addresses and `localhost`. `*`:"
        " any name. Empty: any name as well, unless `UPSCALER_HOST` is an address of this machine only.",
    )
    allow_origins: tuple[str, ...] = _setting(
        "",
        _origins,
        "origins",
        ACCESS,
        "Origins of web pages that may use the service, such as `https://app.example.com`; `*`: all. Empty: only its"
        " own page.",
    )
    url_hosts: tuple[str, ...] = _setting(
        "",
        _names,
        "hosts",
        ACCESS,
        "Hosts, as `name`, `name:port` or `*.name`, that images may be fetched from (`imageUrl`). `*`: all public ones,"
        " at the usual ports and those from 1024 on. Empty: none.",
    )
    private_networks: tuple[str, ...] = _setting(
        "",
        _networks,
        "networks",
        ACCESS,
        "Networks that are not public, such as `10.1.0.0/16`, in which hosts of `imageUrl` and of webhooks may lie."
        " Empty: none.",
    )
    host: str = _setting(
        "127.0.0.1",
        _text,
        "address",
        SERVER,
        "Address to listen on; `0.0.0.0` or `::`: all (the image's default).",
    )
    port: int = _setting("7777", _whole(1, 65_535), "port", SERVER, "Port to listen on (`PORT`, without the prefix).")
    metrics_port: int = _setting(
        "0",
        _whole(0, 65_535),
        "port",
        SERVER,
        "Port of `/metrics`, where no key is needed; 0: as the service, and with a key if there are keys.",
    )
    log_level: str = _setting(
        "info",
        _one_of("debug", "info", "warning", "error"),
        "name",
        SERVER,
        "Lowest severity that is logged: `debug`, `info`, `warning` or `error`.",
    )
    log_format: str = _setting(
        "text",
        _one_of("text", "json"),
        "name",
        SERVER,
        "One line of text (`text`) or one JSON object (`json`) per log record.",
    )
    traces_url: str = _setting(
        "",
        _http_url,
        "URL",
        SERVER,
        "An OpenTelemetry collector, such as `http://localhost:4318`: spans of requests, jobs and blocks are sent there"
        " (OTLP over HTTP). Empty: nowhere.",
    )


def environment_variable(field_name: str) -> str:
    """The environment variable that sets a field of `Settings`.

    Raises:
        KeyError: there is no such field.
    """
    if field_name not in Settings.__dataclass_fields__:
        raise KeyError(field_name)
    return "PORT" if field_name == "port" else PREFIX + field_name.upper()


def invalid(field_name: str, value: object, reason: str) -> SettingInvalid:
    """The error for a value that a setting can't have. (To be raised.) It shows no password of a URL."""
    if "URL" in Settings.__dataclass_fields__[field_name].metadata["unit"]:
        value = _without_secrets(str(value))
    return SettingInvalid(f"{environment_variable(field_name)}={value!r}: {reason}", field_name, value, reason)


def _without_secrets(url: str) -> str:
    """A URL, even a malformed one, without what stands before its host, or after a question mark."""
    return SECRET_QUERY.sub("?***", USER_INFO.sub(r"\1***@", url))


@contextlib.contextmanager
def blaming(field_name: str) -> Iterator[None]:
    """What is wrong with `model` within is said of another field of `Settings`, which lists such values.

    Raises:
        SettingInvalid: raised within; it names that field.
    """
    try:
        yield
    except SettingInvalid as exc:
        if exc.field != "model":
            raise
        raise invalid(field_name, exc.value, exc.reason) from exc


def read_client_key(environ: Mapping[str, str] = os.environ) -> str:
    """The API key that the command line sends to a service; empty: none."""
    return environ.get(CLIENT_KEY, "").strip()


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from `environ`; what it lacks has its default.

    Raises:
        SettingInvalid: a value is invalid; the message has the variable, the value and what is allowed.
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


def sends_traces(settings: Settings, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether spans are sent: to the collector of the settings, or to that of OpenTelemetry's own variables.

    These can also turn it off, and say all else, which the library reads itself
    (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
    """
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    endpoints = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return bool(settings.traces_url or any(environ.get(name) for name in endpoints))


def unknown_variables(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the variables that have the prefix but are no setting, in alphabetical order.

    They are likely misspelt, but no reason not to start: Kubernetes sets such variables for a service named "upscaler".
    """
    known = _variables()
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


def describe_unknown(variable: str) -> str:
    """One line about one of `unknown_variables`, with the setting that was most likely meant."""
    known = _variables()
    bare = variable.removeprefix(PREFIX)  # PORT has no prefix
    hint = did_you_mean(bare, [bare]) if bare in known else did_you_mean(variable, known)
    return f"{variable} is not a setting of this service; ignored{hint}"


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """The end of a message about a word that is not one of `known`, with the one that was likely meant, if any."""
    meant = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {meant[0]}?)" if meant else ""


def _variables() -> list[str]:
    """The environment variables of all settings."""
    return [environment_variable(each.name) for each in fields(Settings)]
