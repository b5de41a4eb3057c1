"""The command line of the trainings, and what is made of it: network and pictures."""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from superscaling.models import LITE, Architecture
from training.crops import cell_edge
from training.drawings import FONTS, load_drawings
from training.errors import TrainingError
from training.files import COLOURS, SCALE, check_folder
from training.jpeg import JPEG_BLOCK
from training.network import PlainNetwork
from training.photographs import files_below, load_photographs
from training.rdn import ResidualDenseNetwork
from training.scores import check_test_set
from training.weight_files import Network, load_network

DEVICES = ("cpu", "cuda")
MAX_SEED = 2**32 - 1
# Options by architecture, with their defaults: what describes a new network.
DIMENSIONS = {
    "plain": {"layers": 10, "channels": 48},
    "rdn": {"c": LITE.c, "d": LITE.d, "g": LITE.g, "g0": LITE.g0},
}


def parser_of(text: str | None) -> argparse.ArgumentParser:
    """The options that all trainings have."""
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add = parser.add_argument

    add("--photographs", type=Path, nargs="+", required=True, metavar="FOLDER", help="searched recursively")
    add("--drawings", type=int, default=1200, metavar="N", help="drawings to make (default: 1200)")
    add("--drawn", type=float, default=0.08, metavar="SHARE", help="of drawings in a batch (default: 0.08)")
    add("--fonts", type=Path, default=FONTS, metavar="FOLDER", help=f"for the drawings (default: {FONTS})")
    add("--evaluate", type=Path, nargs="+", default=[], metavar="FOLDER", help="test sets, for scores at the end")
    add("--output", type=Path, required=True, metavar="FOLDER", help="for the weights and the checkpoint")

    add("--architecture", choices=tuple(DIMENSIONS), help="of a new network (default: plain)")
    for name, default in DIMENSIONS["plain"].items():
        add(f"--{name}", type=int, metavar="N", help=f"of a plain network (default: {default})")
    for name, default in DIMENSIONS["rdn"].items():
        add(f"--{name}", type=int, metavar="N", help=f"{name.upper()} of a residual dense network (default: {default})")
    add("--start", type=Path, metavar="FILE", help="weights to begin with, and the network that they are of")

    add("--minutes", type=float, help="time of training, without loading and compilation")
    add("--steps", type=int, help="instead of --minutes")
    add("--rate", type=float, default=8e-4, help="learning rate after the warm-up, then a cosine to 0 (default: 8e-4)")
    add("--warm", type=int, default=200, metavar="STEPS", help="of the linear warm-up (default: 200)")
    add("--average", type=float, default=0.999, metavar="DECAY", help="of the averaged weights (default: 0.999)")
    add("--batch", type=int, default=16, help="patches in a step (default: 16; a GPU: 96)")
    add("--patch", type=int, default=48, metavar="PX", help="of the small picture, a multiple of 16 (default: 48)")
    add("--seed", type=int, default=0)

    add("--device", default="cpu", help="cpu (default) or cuda")
    add("--compile", action="store_true", help="with torch.compile: takes a minute, and is needed to fill a GPU")
    add(
        "--bf16",
        action=argparse.BooleanOptionalAction,
        help="arithmetic in bfloat16 (default: on cuda only); doubles the speed of a CPU that has it",
    )
    return parser


def check(options: argparse.Namespace) -> None:
    """Check values that argparse can't, and create the output folder. Nothing touches the device.

    Raises:
        TrainingError: an option has a value that it can't have.
        OSError: the output folder can't be created.
    """
    if (options.minutes is None) == (options.steps is None):
        raise TrainingError("say how long to train: --minutes or --steps")
    check_positive(options, "minutes", "steps", "rate", "warm", "batch", *DIMENSIONS["plain"], *DIMENSIONS["rdn"])
    if options.drawings < 0:
        raise TrainingError(f"--drawings {options.drawings}: it has to be 0 or more")
    if not 0 <= options.seed <= MAX_SEED:
        raise TrainingError(f"--seed {options.seed}: it has to be from 0 to {MAX_SEED}")
    check_shares(options, "drawn", "average")
    check_patch("patch", options.patch)
    if options.device not in DEVICES:
        raise TrainingError(f"--device {options.device}: it has to be {' or '.join(DEVICES)}")
    # device_count asks the driver; is_available would begin to use the device before processes are forked.
    if options.device == "cuda" and not torch.cuda.device_count():
        raise TrainingError("--device cuda: PyTorch finds no such device")
    files_below(options.photographs)
    for folder in options.evaluate:
        check_test_set(folder)
    options.output.mkdir(parents=True, exist_ok=True)
    check_folder(options.output)


def check_positive(options: argparse.Namespace, *names: str) -> None:
    """Check options that are numbers, as far as they are given.

    Raises:
        TrainingError: one is not more than 0, or not finite.
    """
    for name in names:
        value = getattr(options, name)
        if value is not None and not 0 < value < float("inf"):
            raise TrainingError(f"--{name.replace('_', '-')} {value}: it has to be more than 0")


def check_shares(options: argparse.Namespace, *names: str) -> None:
    """Check options that are shares.

    Raises:
        TrainingError: one is not.
    """
    for name in names:
        if not 0 <= (share := getattr(options, name)) < 1:
            raise TrainingError(f"--{name.replace('_', '-')} {share}: a share is at least 0, and less than 1")


def check_patch(name: str, patch: int) -> None:
    """Check the edge of patches.

    Raises:
        TrainingError: blocks of JPEG would not fill it.
    """
    if patch < JPEG_BLOCK or patch % JPEG_BLOCK:
        raise TrainingError(f"--{name} {patch}: it has to be a multiple of {JPEG_BLOCK}")


def network_of(options: argparse.Namespace) -> Network:
    """The network that the options describe: a new one, or that of `--start`; on the CPU.

    Raises:
        TrainingError: options contradict each other, or the file can't be used.
    """
    names = [name for dimensions in DIMENSIONS.values() for name in dimensions]
    chosen = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.start:
        network = trained_network(options.start)
        own = "plain" if isinstance(network, PlainNetwork) else "rdn"
        if options.architecture not in (None, own):
            raise TrainingError(f"--architecture {options.architecture}: the network in {options.start} is {own}")
        for name, value in chosen.items():
            if network.dimensions.get(name) != value:
                raise TrainingError(f"--{name} {value}: the network in {options.start} is one of {network.dimensions}")
        return network
    architecture = options.architecture or "plain"
    if foreign := sorted(set(chosen) - set(DIMENSIONS[architecture])):
        raise TrainingError(f"--{foreign[0]}: a network of the architecture {architecture} has no such dimension")
    dimensions = DIMENSIONS[architecture] | chosen
    if architecture == "plain":
        return PlainNetwork(**dimensions)
    if dimensions["g0"] < COLOURS:
        raise TrainingError(f"--g0 {dimensions['g0']}: the three colours need 3 channels to begin with")
    return ResidualDenseNetwork(Architecture(**dimensions, scale=SCALE, upscaling=LITE.upscaling))


def trained_network(path: Path) -> Network:
    """The network of a weight file, if it enlarges by 2.

    Raises:
        TrainingError: the file can't be used.
    """
    network = load_network(path)
    if isinstance(network, ResidualDenseNetwork) and network.architecture.scale != SCALE:
        raise TrainingError(
            f"{path} enlarges x{network.architecture.scale}; trained are networks that enlarge x{SCALE}"
        )
    return network


def pictures_of(options: argparse.Namespace, patch: int) -> tuple[Tensor, Tensor | None]:
    """Cells of photographs and drawings, on the device, for patches of up to `patch` px.

    Call it before anything else uses the device: processes are forked.

    Raises:
        TrainingError: there is no photograph that can be used.
    """
    edge = cell_edge(patch)
    photographs = torch.from_numpy(load_photographs(options.photographs, edge, options.seed))
    print(f"{len(photographs):,} cells of photographs, {edge} x {edge} px", flush=True)
    if not (options.drawings and options.drawn):
        return photographs.to(options.device), None
    drawings = torch.from_numpy(load_drawings(options.drawings, edge, options.seed, options.fonts))
    return photographs.to(options.device), drawings.to(options.device)


def in_bf16(options: argparse.Namespace) -> bool:
    """Whether the arithmetic is in bfloat16."""
    return bool(options.device == "cuda" if options.bf16 is None else options.bf16)


def prepare_device(options: argparse.Namespace) -> None:
    """Set what a training needs of PyTorch."""
    torch.manual_seed(options.seed)
    # The skip, a convolution, and the reductions, products of matrices, would lose a tenth of a level.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
