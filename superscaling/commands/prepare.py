"""Prepare the start of the server: check the settings, find and verify the model, convert it if necessary.

    python -m superscaling.commands.prepare

If the service could not serve what the settings ask for, prints one line and exits with status 1.
"""

import importlib.util
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from superscaling import logs
from superscaling.api_keys_file import read_keys
from superscaling.commands.conversion_process import run_conversion
from superscaling.engines import device_of, precision_of, require_precision
from superscaling.errors import ModelUnavailable, SettingInvalid, StartError
from superscaling.models import (
    ANOTHER_CACHE,
    TABLE,
    FileFormat,
    Weights,
    directory_of,
    field_of,
    is_prepared,
    is_ready_made,
    model_of,
    settings_of_models,
    shipped_models,
    weight_file_of,
    weights_of,
    with_milder,
)
from superscaling.settings import (
    ROOT,
    Settings,
    blaming,
    describe_unknown,
    environment_variable,
    invalid,
    read_settings,
    unknown_variables,
)
from superscaling.webhook_secret import HOW_TO_MAKE, read_webhook_secret

log = logging.getLogger("prepare")

# The packages that serving does not need, and the modules to import. Weights in Keras' format are converted by them.
OPTIONAL = {"TensorFlow": "tensorflow", "ISR": "ISR", "NNCF": "nncf"}
HOW_TO_INSTALL = (
    "install them with `make run` or from requirements.txt, or use an image that has them (--target everything) or one"
    " with the model baked in (--build-arg MODELS)"
)


def prepare(settings: Settings) -> None:
    """Prepare everything that the server needs.

    Raises:
        StartError: the server could not start.
    """
    _check_port(settings, "port")
    if settings.metrics_port:
        _check_port(settings, "metrics_port")
    _check_access(settings)
    models = settings_of_models(settings)
    for step in (_check, _obtain):  # what is wrong with the last is said before the first takes minutes
        for each in models:
            with blaming(field_of(settings, each)):
                step(each)


def prepare_model(settings: Settings) -> None:
    """Find and verify the settings' model; convert it if necessary.

    Raises:
        StartError: it is not available, or not with these settings.
    """
    _check(settings)
    _obtain(settings)


def _check(settings: Settings) -> None:
    """Check what can be known about the settings' model, and its sibling, before it is downloaded or converted.

    Raises:
        StartError: one is not available, or not with these settings.
    """
    _check_one(settings)
    for milder in with_milder(settings)[1:]:
        needed = f"{settings.model} needs {milder.model}, its milder sibling"
        try:
            _check_one(milder)
        except ModelUnavailable as exc:
            raise ModelUnavailable(f"{needed}: {exc}") from exc
        except SettingInvalid as exc:
            if exc.field != "model":  # which nobody has set to this
                raise
            raise ModelUnavailable(f"{needed}: {exc.reason}") from exc


def _check_one(settings: Settings) -> None:
    _check_weights_dir(settings)
    device = device_of(settings.engine, settings.device)
    require_precision(settings.engine, settings.precision, device)
    if reason := find_missing_packages(settings):
        raise ModelUnavailable(f"{reason}; {HOW_TO_INSTALL}")
    if is_prepared(settings):
        precision_of(settings.engine, settings.precision, model_of(settings), device)
    elif (weights := weights_of(settings)).is_own:
        there = ", ".join(shipped_models()) or "none"
        raise ModelUnavailable(
            f"{settings.model} is not among the models of this installation ({there}): name one of them in"
            f" {environment_variable('model')}, or build the image with --build-arg MODELS"
        )
    elif weights.url is None:
        _check_readable(weights, weight_file_of(settings))


def _check_readable(weights: Weights, weight_file: Path) -> None:
    if weights.file_format is FileFormat.TORCH:
        from superscaling.conversion.from_torch import check_file  # late: it loads OpenVINO

        check_file(weight_file)


def _obtain(settings: Settings) -> None:
    """Download and convert the settings' model, and its sibling, as far as that is necessary.

    Raises:
        StartError: that fails, or the model can't be used with these settings.
    """
    needed = with_milder(settings)
    for each in needed:
        if each.engine == "tensorflow":
            weight_file_of(each)
        if not is_prepared(each):
            convert_model(each, directory_of(each))
            if not is_prepared(each):  # directories are named after what is in the file
                raise ModelUnavailable(f"{each.model} was replaced while it was being converted: start again")
            precision_of(each.engine, each.precision, model_of(each), device_of(each.engine, each.device))
    for milder in needed[1:]:
        if model_of(milder).scale != model_of(settings).scale:
            raise ModelUnavailable(f"{settings.model} and {milder.model}, its milder sibling, enlarge by other factors")


def find_missing_packages(settings: Settings) -> str | None:
    """Say which optional packages the settings need that are not installed, and for what; None: nothing is missing.

    Raises:
        SettingInvalid: the model is unknown, or no package lets the engine run it.
        ModelUnavailable: its directory can't be read.
    """
    prepared = is_prepared(settings)
    if settings.engine == "tensorflow":
        _require_rdn(settings)
        if reason := _missing(f"{environment_variable('engine')}=tensorflow", "TensorFlow", "ISR"):
            return reason
    return None if prepared or weights_of(settings).is_own else _missing_for_conversion(weights_of(settings))


def convert_model(settings: Settings, directory: Path) -> None:
    """Find the weights of the settings' model and convert them into a directory that doesn't exist yet.

    Raises:
        ModelUnavailable: the weights or the packages are missing, or the conversion failed.
        WeightsRefused: the weight file has another hash.
    """
    weights = weights_of(settings)
    if reason := _missing_for_conversion(weights):  # before minutes of download
        raise ModelUnavailable(f"{reason}; {HOW_TO_INSTALL}")
    weight_file = weight_file_of(settings)
    log.info("converting %s, once: this takes a minute or two", weights.name)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ModelUnavailable(f"{directory.parent} can't be written: {exc.strerror}; {ANOTHER_CACHE}") from exc
    convert_in_child(weights, weight_file, directory)


def convert_in_child(weights: Weights, weight_file: Path, directory: Path) -> None:
    """Convert a weight file in a child process, so that TensorFlow does not stay in memory.

    Args:
        weights: a row of the model table, or one like it.
        weight_file: the file.
        directory: the result, which must not exist.

    Raises:
        ModelUnavailable: the conversion failed, or took too long. The reason is the last line that the child printed;
            all of them are logged for debugging.
    """
    module = "superscaling.commands.convert"
    arguments = ["-m", module, "--row", weights.to_json(), str(weight_file.absolute()), str(directory)]
    try:
        status, printed = run_conversion(arguments, directory.parent, cwd=ROOT, is_captured=True)
    except ModelUnavailable as exc:
        raise ModelUnavailable(f"converting {weights.name} failed: {exc}") from exc
    if status:
        log.debug("%s", printed)
        reason = printed.strip().rpartition("\n")[2] or f"exit status {status}"
        raise ModelUnavailable(f"converting {weights.name} failed: {reason}")


def _missing_for_conversion(weights: Weights) -> str | None:
    if weights.file_format is not FileFormat.KERAS:  # other readers load their packages themselves, if they have any
        return None
    return _missing(f"converting {weights.name}", *OPTIONAL)


def _require_rdn(settings: Settings) -> None:
    if is_ready_made(settings) or weights_of(settings).rdn is None:
        rdns = ", ".join(name for name, weights in TABLE.items() if weights.rdn)
        raise invalid(
            "engine",
            "tensorflow",
            f"{settings.model} is no RDN, which is all that ISR loads; use openvino, or one of these models: {rdns}",
        )


def _missing(what: str, *packages: str) -> str | None:
    """Say that `what` needs these packages, unless all of them are installed."""
    if all(importlib.util.find_spec(OPTIONAL[package]) for package in packages):
        return None
    return f"{what} needs {', '.join(packages[:-1])} and {packages[-1]}, which are not installed"


def _check_weights_dir(settings: Settings) -> None:
    directory = settings.weights_dir
    try:
        exists = directory is None or directory.is_dir()
    except OSError as exc:
        raise invalid("weights_dir", str(directory), f"it can't be read: {exc.strerror or exc}") from exc
    if not exists:
        raise invalid("weights_dir", str(directory), "there is no such directory")


def _check_access(settings: Settings) -> None:
    if settings.metrics_port == settings.port:
        raise invalid("metrics_port", settings.metrics_port, "it is the port of the service itself")
    _check_webhooks(settings)
    if settings.api_keys_file is None:
        return
    read_keys(settings.api_keys_file)
    if settings.jobs_owner_header:
        raise invalid(
            "jobs_owner_header",
            settings.jobs_owner_header,
            f"with {environment_variable('api_keys_file')}, jobs belong to the owners of keys: set one of the two",
        )


def _check_webhooks(settings: Settings) -> None:
    if not (settings.jobs_store and settings.webhook_hosts):
        return
    file = settings.webhook_secret_file
    if file is None:
        raise invalid("webhook_secret_file", "", f"must name a file, as webhooks have to be signed; {HOW_TO_MAKE}")
    try:
        read_webhook_secret(file)
    except ValueError as exc:
        raise invalid("webhook_secret_file", str(file), str(exc)) from exc


def _check_port(settings: Settings, field: str) -> None:
    port: int = getattr(settings, field)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, port))
        except (OSError, TypeError) as exc:  # TypeError: the name can't be encoded
            reason = exc.strerror if isinstance(exc, OSError) else exc
            raise SettingInvalid(
                f"can't listen on {settings.host} port {port}: {reason}; set"
                f" {environment_variable(field)} or {environment_variable('host')}",
                field=field,
                value=port,
                reason=str(reason),
            ) from exc


def main() -> int:
    """Run the command line; returns the exit status."""
    received, repeats = list[int](), list[threading.Timer]()

    def stop(number: int, _: object) -> None:
        received.append(number)
        sys.exit(128 + number)  # an exception, so that what is half done (a download, a conversion) is removed

    def on_unraisable(failure: "sys.UnraisableHookArgs") -> None:
        if not (received and isinstance(failure.exc_value, SystemExit)):
            sys.__unraisablehook__(failure)
            return
        # The signal came in a `__del__` or a callback, such as importlib's of weak references, which no exception
        # leaves. So it is sent again, when that is over.
        repeats.append(threading.Timer(0.05, os.kill, (os.getpid(), received[-1])))
        repeats[-1].start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    sys.unraisablehook = on_unraisable
    try:
        settings = read_settings()
        logs.configure(settings)
        for variable in unknown_variables():
            log.warning("%s", describe_unknown(variable))
        prepare(settings)
    except StartError as exc:
        print(f"image-super-scaling can't start: {exc}", file=sys.stderr)
        return 1
    except Exception:
        if not received:
            raise
        return 128 + received[0]  # an extension module turns an exit during its import into an ImportError
    finally:
        for repeat in repeats:
            repeat.cancel()
        sys.unraisablehook = sys.__unraisablehook__
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 + received[0] if received else 0


if __name__ == "__main__":
    sys.exit(main())
