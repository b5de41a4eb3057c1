"""Import a network that somebody trained, so that the service can serve it by a name.

    python -m superscaling.commands.import_model FILE [--name NAME] [--licence TEXT] [--kind KIND] [--bgr] [--range 255]

FILE is `.onnx`, ncnn's `.param` or `.bin`, `.npz` of this project's training, or, with the packages of
requirements-import.txt, PyTorch's `.safetensors`, `.pth`, `.pt` or `.ckpt`. What the network needs is found by trying,
and printed. A file that can't be used prints one line; the exit status is 1.
"""

import argparse
import contextlib
import logging
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from superscaling.commands.conversion_process import run_conversion, unfinished_directory
from superscaling.commands.convert import samples
from superscaling.conversion import parameters
from superscaling.errors import ModelUnavailable, SettingInvalid, StartError
from superscaling.models import (
    ALLOWED_NAME,
    NAME,
    TABLE,
    FileFormat,
    Kind,
    Weights,
    imported_directory,
    is_path,
    shipped_models,
    weights_in,
)
from superscaling.settings import Settings, environment_variable, read_settings


@dataclass(frozen=True)
class Source:
    """A network that was read from a file: an `openvino.Model`, and what the file says or what was assumed.

    `ends`: its convolutions that stay more exact, an `Ends`, if the format tells them.
    """

    network: Any
    architecture: str
    convention: str
    ends: Any = None


def import_model(file: Path, settings: Settings, arguments: argparse.Namespace) -> str:
    """Import a file into the cache of the settings; returns the summary.

    Raises:
        StartError: it can't be used, or the name is taken.
        OSError: the cache can't be written.
    """
    from superscaling.conversion.from_network import About, write_model  # late: they load OpenVINO
    from superscaling.conversion.report import describe

    weights = _weights(file, arguments)
    target = imported_directory(settings.cache_dir, weights.name)
    if target.exists() and not arguments.force:
        raise ModelUnavailable(f"{weights.name} was imported before: choose another --name, or replace it by --force")
    source = _read(file, weights, arguments)
    about = About(weights.name, weights.kind, weights.licence, weights.sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    with unfinished_directory(target) as unfinished, unfinished_directory(target) as aside:
        # Frameworks print progress bars; what this command prints is one summary.
        with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
            model = write_model(source.network, about, unfinished, *samples(), source.ends)
            lines = describe(model, settings)
        _replace(target, unfinished, aside)
    facts = {
        "file": "; ".join(f"{name}, SHA-256 {sha256}" for name, sha256 in weights.hashes.items()),
        "network": f"{source.architecture}, {parameters(source.network) / 1e6:.3g} million parameters",
        "takes": source.convention,
        **lines,
        "licence": f"{weights.licence} (as you state it)" if arguments.licence else weights.licence,
        "serve it": f"{_cache(settings)}{environment_variable('model')}={weights.name} make run",
    }
    width = max(map(len, facts)) + 2
    return "\n".join(f"{name + ':':{width}}{text}" for name, text in facts.items())


def _cache(settings: Settings) -> str:
    """The setting without which a service would not find what was imported; empty: it is the default."""
    if settings.cache_dir == Settings.cache_dir:
        return ""
    return f"{environment_variable('cache_dir')}={shlex.quote(str(settings.cache_dir.absolute()))} "


def _weights(file: Path, arguments: argparse.Namespace) -> Weights:
    """The row for a file, with what the user states.

    Raises:
        StartError: there is no such file, or its name can't be used.
    """
    try:
        weights = weights_in(str(file), name=arguments.name or file.stem)
    except SettingInvalid as exc:  # it names a setting, which is not used here
        raise ModelUnavailable(exc.reason) from exc
    if not NAME.fullmatch(weights.name):
        its, remedy = ("--name", "it takes") if arguments.name else ("its name", "choose a --name of")
        raise ModelUnavailable(f"{its} {weights.name!r} can't be used in requests: {remedy} {ALLOWED_NAME}")
    if is_path(weights.name):
        free = weights.name
        while is_path(free):
            free = free.removesuffix(Path(free).suffix)
        raise ModelUnavailable(
            f"the name {weights.name!r} would be taken for a file: choose another --name, such as {free}"
        )
    if not (arguments.licence or "").isprintable():
        raise ModelUnavailable("--licence has characters that can't be printed: state it in one line of text")
    if weights.name in TABLE or weights.name in shipped_models():
        raise ModelUnavailable(f"{weights.name} is a model of this installation: choose another --name")
    return replace(
        weights,
        licence=arguments.licence or weights.licence,
        kind=Kind(arguments.kind) if arguments.kind else weights.kind,
    )


def _read(file: Path, weights: Weights, arguments: argparse.Namespace) -> Source:
    """Read the network.

    Raises:
        ModelUnavailable: it can't be read, or packages are missing.
    """
    if weights.file_format is not FileFormat.ONNX and (arguments.bgr or arguments.range):
        raise ModelUnavailable("--bgr and --range are for ONNX files; the other formats take RGB from 0 to 1")
    from superscaling.conversion.conventions import Convention

    match weights.file_format:
        case FileFormat.ONNX:
            return _read_onnx(file, arguments)
        case FileFormat.NCNN:
            from superscaling.conversion.from_ncnn import read_ncnn

            return Source(read_ncnn(file.with_suffix(".param")), "ncnn", str(Convention()))
        case FileFormat.PLAIN:
            from superscaling.conversion.from_plain import PLAIN_ENDS, read_plain

            return Source(read_plain(file), "plain network", str(Convention()), PLAIN_ENDS)
        case _:
            from superscaling.conversion.from_torch import convert_descriptor, load_descriptor

            descriptor = load_descriptor(file)
            architecture = f"{descriptor.architecture.name} (PyTorch)"
            return Source(convert_descriptor(descriptor), architecture, str(Convention()))


def _replace(target: Path, new: Path, aside: Path) -> None:
    """Rename the directory `new` to `target`; what was there goes into the directory `aside`, or stays if that fails.

    Raises:
        OSError: it failed.
    """
    old = aside / target.name
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise


def _read_onnx(file: Path, arguments: argparse.Namespace) -> Source:
    from superscaling.conversion.conventions import find_convention, with_convention
    from superscaling.conversion.from_onnx import open_onnx

    network, layout = open_onnx(file)
    found = find_convention(network, layout)
    convention = replace(
        found.convention,
        bgr=arguments.bgr or found.convention.bgr,
        most=arguments.range or found.convention.most,
    )
    assumed = [
        f"{what} is assumed. If {wrong} in a result, import again with {option} --force"
        for what, wrong, option, sure in (
            ("RGB", "red and blue are swapped", "--bgr", found.order_is_sure or arguments.bgr),
            ("0 to 1", "brightness is wrong", "--range 255", found.range_is_sure or arguments.range),
        )
        if not sure
    ]
    takes = ". ".join((str(convention), *assumed))
    return Source(with_convention(network, layout, convention), f"ONNX, {layout.source}", takes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m superscaling.commands.import_model",
        description=__doc__.partition("\n")[0] if __doc__ else None,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the network")
    parser.add_argument("--name", help="what requests call it; default: the file's name without its ending")
    parser.add_argument("--licence", help="of the weights, as their author states it")
    parser.add_argument("--kind", choices=[kind.value for kind in Kind], help="what the results are meant to be")
    parser.add_argument("--bgr", action="store_true", help="the network takes blue first (ONNX)")
    parser.add_argument("--range", type=int, choices=(1, 255), help="the network's value of white (ONNX)")
    parser.add_argument("--force", action="store_true", help="replace a model that was imported under this name")
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line in this process; returns the exit status."""
    arguments = _parser().parse_args(words)
    _exit_on_sigterm()
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        print(import_model(arguments.file, read_settings(), arguments))
    except (StartError, OSError) as exc:
        print(f"can't import {arguments.file}: {exc}", file=sys.stderr)
        return 1
    finally:
        logging.disable(disabled)
    return 0


def main_in_child() -> int:
    """Run the command line in a process that can be stopped at any time; returns the exit status."""
    arguments = _parser().parse_args()
    _exit_on_sigterm()
    code = "import sys; from superscaling.commands.import_model import main; sys.exit(main())"
    try:
        folder = imported_directory(read_settings().cache_dir, "any").parent
        status, _ = run_conversion(["-c", code, *sys.argv[1:]], folder)
    except StartError as exc:
        print(f"can't import {arguments.file}: {exc}", file=sys.stderr)
        return 1
    return status


def _exit_on_sigterm() -> None:
    """By an exception, so that what is half done is removed."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


if __name__ == "__main__":
    sys.exit(main_in_child())
