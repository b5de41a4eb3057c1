"""Train an x2 network for photographs and their JPEGs. Once the pictures are read, one device does everything.

On a CPU; scores of test sets are compared at the end:

    python -m training.train --photographs FOLDER --output OUT --minutes 60 --evaluate Set5 Set14

On a GPU, compiled, one CUDA graph for each step, with larger patches in the last fifth of the time:

    python -m training.train --photographs FOLDER --output OUT --device cuda --compile --batch 96 --patch 64 \\
        --end-patch 96 --layers 16 --channels 64 --minutes 4

A small network with the help of a large one; ISR's network; from weights; after an interruption:

    python -m training.train ... --layers 12 --channels 32 --distil training/weights/best.npz
    python -m training.train ... --architecture rdn
    python -m training.train ... --start models/noise-cancel-lite/noise-cancel-lite.weights.h5 --rate 4e-4
    python -m training.train ... --resume

For soft and noisy pictures that were resized, and compressed more than once (training/restoration.py), at a price:

    python -m training.train ... --restoring --start training/weights/plain.npz --tolerance 0.5

Each step draws a batch of crops, degrades them (reduction, noise, JPEG) and updates the network with Muon. OUT has the
moving average of the weights, which is what is shipped: `weights.npz` of a plain network, `network.weights.h5`, which
ISR loads, of a residual dense one. The exit status is 1 if its scores are not better than bicubic's, or are worse than
those at the start by more than `--tolerance`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

from evaluation.pictures import filter_enlarger
from training.crops import Batches
from training.errors import exit_status
from training.files import SCALE
from training.options import (
    check,
    check_patch,
    check_shares,
    in_bf16,
    network_of,
    parser_of,
    pictures_of,
    prepare_device,
    trained_network,
)
from training.running import Schedule, read_checkpoint, resume, run
from training.scores import evaluate, network_enlarger, passes_checks
from training.stepping import Training


def train(options: argparse.Namespace) -> bool:
    """Load, train, save the weights, and return whether they pass the final checks."""
    if options.end_patch is not None:
        check_patch("end-patch", options.end_patch)
    check_shares(options, "end_share", "distil_share")
    check(options)
    prepare_device(options)
    patches = [options.patch, *([options.end_patch] if options.end_patch else [])]

    # What has to fit together: the network, its teacher and the checkpoint.
    network = network_of(options)
    teacher = trained_network(options.distil) if options.distil else None
    checkpoint = read_checkpoint(options.output, network) if options.resume else None
    parameters = sum(each.numel() for each in network.parameters())
    print(f"{type(network).__name__} of {network.dimensions}: {parameters:,} parameters", flush=True)

    # The data: a batch has as many pixels in each phase.
    photographs, drawings = pictures_of(options, max(patches))
    sizes = [max(1, round(options.batch * (options.patch / patch) ** 2)) for patch in patches]
    batches = [
        Batches(photographs, drawings, size, patch, options.drawn, options.restoring).to(options.device)
        for size, patch in zip(sizes, patches, strict=True)
    ]

    # The training.
    network = network.to(options.device, memory_format=torch.channels_last)
    if teacher is not None:
        teacher = teacher.to(options.device, memory_format=torch.channels_last)
    at_start = {folder: evaluate(network_enlarger(network), folder) for folder in options.evaluate}
    training = Training(
        network, batches, options.average, options.compile, in_bf16(options), teacher, options.distil_share
    )
    training.warm_up()
    if checkpoint is not None:
        resume(training, checkpoint)
        torch.manual_seed(options.seed + training.steps)  # otherwise the first batches would come again
    end = options.end_share if options.end_patch else 0.0
    schedule = Schedule(options.minutes, options.steps, options.rate, options.warm, end)
    run(training, schedule, sizes, options.output, vars(options))

    # The evaluation.
    averaged = network_enlarger(training.averaged())
    at_end = {folder: evaluate(averaged, folder) for folder in options.evaluate}
    bicubic = filter_enlarger(SCALE, Image.Resampling.BICUBIC)
    scores = {folder: (evaluate(bicubic, folder), at_start[folder], at_end[folder]) for folder in at_end}
    return passes_checks(scores, options.tolerance)


def main(arguments: Sequence[str]) -> int:
    """Read the command line, train and return the exit status; an error prints one line."""
    parser = parser_of(__doc__)
    parser.add_argument("--end-patch", type=int, metavar="PX", help="larger patches at the end, fewer in a batch")
    parser.add_argument("--end-share", type=float, default=0.2, metavar="SHARE", help="of the time (default: 0.2)")
    parser.add_argument("--restoring", action="store_true", help="degrade as training/restoration.py says")
    parser.add_argument(
        "--tolerance", type=float, default=0.05, metavar="DB", help="that a score may fall, checked at the end (0.05)"
    )
    parser.add_argument("--distil", type=Path, metavar="FILE", help="weights of a better network, to learn from")
    parser.add_argument("--distil-share", type=float, default=0.5, metavar="SHARE", help="of the loss (default: 0.5)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in the output folder")
    options = parser.parse_args(arguments)
    return exit_status("training", lambda: train(options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
