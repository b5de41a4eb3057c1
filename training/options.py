"""The command line of the trainings, and what is made of it: network and pictures."""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from superscaling.models import LITE, Architecture
from training.crops import cell_edge
from training.drawings import FONTS, load_drawings
from training.errors import TrainingError
from training.jpeg import JPEG_BLOCK
from training.network import PlainNetwork
from training.photographs import load_photographs
from training.rdn import COLOURS, ResidualDenseNetwork
from training.reduction import SCALE
from training.weight_files import Network, load_network

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
    add("--start", type=Path, metavar="FILE", help="weights to begin with; they say what the network is")

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
    add("--bf16", action="store_true", help="on a CPU that has it, where it doubles the speed; cuda always does")
    return parser


def check(options: argparse.Namespace) -> None:
    """Check values that argparse can't.

    Raises:
        TrainingError: an option has a value that it can't have.
    """
    if (options.minutes is None) == (options.steps is None):
        raise TrainingError("say how long to train: --minutes or --steps")
    for name in ("minutes", "steps", "rate", "warm", "batch", *DIMENSIONS["plain"], *DIMENSIONS["rdn"]):
        value = getattr(options, name)
        if value is not None and not 0 < value < float("inf"):
            raise TrainingError(f"--{name} {value}: it has to be more than 0")
    if options.drawings < 0:
        raise TrainingError(f"--drawings {options.drawings}: it has to be 0 or more")
    check_shares(options, "drawn", "average")
    check_patch("patch", options.patch)
    try:
        torch.zeros((), device=options.device)
    except (RuntimeError, AssertionError) as exc:
        raise TrainingError(f"--device {options.device}: {str(exc).splitlines()[0]}") from exc


def check_shares(options: argparse.Namespace, *names: str) -> None:
    """Check options that are shares.

    Raises:
        TrainingError: one is none.
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

    Raises:
        TrainingError: there is no photograph that can be used.
    """
    edge = cell_edge(patch)
    photographs = torch.from_numpy(load_photographs(options.photographs, edge, options.seed)).to(options.device)
    drawings = None
    if options.drawings and options.drawn:
        drawings = torch.from_numpy(load_drawings(options.drawings, edge, options.seed, options.fonts))
        drawings = drawings.to(options.device)
    print(f"{len(photographs):,} cells of photographs, {edge} x {edge} px", flush=True)
    return photographs, drawings


def in_bf16(options: argparse.Namespace) -> bool:
    """Whether the arithmetic is in bfloat16."""
    return bool(options.bf16 or torch.device(options.device).type == "cuda")


def prepare_device(options: argparse.Namespace) -> None:
    """Set what a training needs of PyTorch."""
    torch.manual_seed(options.seed)
    torch.backends.cudnn.allow_tf32 = False  # the skip and the reductions would lose a tenth of a level
