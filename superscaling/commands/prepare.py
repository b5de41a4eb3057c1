"""Before the server starts: check the settings, find and verify the model, convert it if it has to be.

    python -m superscaling.commands.prepare

Ends with one line and exit status 1 where the service could not serve what it was asked to.
"""

import importlib.util
import json
import logging
import signal
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from superscaling import logs
from superscaling.engines import precision_of, require_precision
from superscaling.errors import ModelUnavailable, SettingInvalid, StartError
from superscaling.models import (
    ANOTHER_CACHE,
    Weights,
    directory_of,
    read_model_files,
    shipped_models,
    weight_file_of,
    weights_of,
)
from superscaling.settings import ROOT, Settings, read_settings, unknown_variables

log = logging.getLogger("prepare")


def prepare(settings: Settings) -> None:
    """Make everything ready that the server needs.

    Raises:
        StartError: it can't be.
    """
    _check_port(settings)
    prepare_model(settings)


def prepare_model(settings: Settings) -> None:
    """Find and verify the settings' model; convert it if it has to be.

    Raises:
        StartError: it can't be.
    """
    if settings.weights_dir is not None and not settings.weights_dir.is_dir():
        raise SettingInvalid(f"UPSCALER_WEIGHTS_DIR={str(settings.weights_dir)!r}: there is no such directory")
    require_precision(settings.engine, settings.precision)
    if settings.engine == "tensorflow":
        _require("UPSCALER_ENGINE=tensorflow", "TensorFlow", "ISR")
        weight_file_of(settings)
    directory = directory_of(settings)
    if not directory.is_dir():
        if weights_of(settings).url is None:
            there = ", ".join(shipped_models()) or "none"
            raise ModelUnavailable(
                f"{settings.model} is not among the models of this installation ({there}): name one of them in"
                " UPSCALER_MODEL, or build the image with --build-arg MODELS"
            )
        convert_model(settings, directory)
    precision_of(settings.engine, settings.precision, read_model_files(directory))


def convert_model(settings: Settings, directory: Path) -> None:
    """Find the weights of the settings' model and convert them into a directory that doesn't exist yet.

    Raises:
        ModelUnavailable: it can't be done, here or at all.
        WeightsRefused: see `find_weights`.
    """
    _require(f"converting {settings.model}", "TensorFlow", "ISR", "NNCF")  # before minutes of download
    weight_file = weight_file_of(settings)
    log.info("converting %s, once: this takes a minute or two", settings.model)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ModelUnavailable(f"{directory.parent} can't be written: {exc.strerror}; {ANOTHER_CACHE}") from exc
    convert_in_child(weights_of(settings), weight_file, directory)


def convert_in_child(weights: Weights, weight_file: Path, directory: Path) -> None:
    """Convert a weight file, of a row of the table or of one like it, in a process of its own: TensorFlow stays there.

    Raises:
        ModelUnavailable: it failed; TensorFlow's many lines are logged for debugging, the last one is the reason.
    """
    row = json.dumps(asdict(weights))
    command = [
        sys.executable,
        "-m",
        "superscaling.commands.convert",
        "--row",
        row,
        str(weight_file.resolve()),
        str(directory),
    ]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _, said = child.communicate()
    except BaseException:  # the start is being stopped: the child cleans up as well, so it is not killed
        child.terminate()
        child.wait()
        raise
    if child.returncode:
        log.debug("%s", said)
        reason = said.strip().rpartition("\n")[2] or f"exit status {child.returncode}"
        raise ModelUnavailable(f"converting {weights.name} failed: {reason}")


def _require(what: str, *packages: str) -> None:
    modules = {"TensorFlow": "tensorflow", "ISR": "ISR", "NNCF": "nncf"}
    if any(importlib.util.find_spec(modules[package]) is None for package in packages):
        raise ModelUnavailable(
            f"{what} needs {', '.join(packages[:-1])} and {packages[-1]}, which are not installed: install"
            " requirements.txt, or use the image that has them, or one with the model baked in (--build-arg MODELS)"
        )


def _check_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as exc:
            raise SettingInvalid(
                f"can't listen on {settings.host} port {settings.port}: {exc.strerror}; set PORT or UPSCALER_HOST"
            ) from exc


def main() -> int:
    """Prepare; returns the exit status."""
    # An exception, so that what is half done is cleaned up: a part of a download, or of a conversion.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        settings = read_settings()
        logs.configure(settings)
        for variable in unknown_variables():
            log.warning("%s is no setting of this service and is ignored", variable)
        prepare(settings)
    except StartError as exc:
        print(f"image-super-scaling can't start: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
