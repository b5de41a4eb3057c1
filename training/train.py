"""Train a network on photographs and drawings, and write a weight file that ISR can load.

On a CPU (TensorFlow is the fastest backend: 12,000 steps an hour on two cores with bfloat16):

    python -m training.train --photographs FOLDER --output OUT --name noise-cancel-lite --hours 2 \\
        --precision mixed_bfloat16 --evaluation Set5 Set14

From existing weights, or from the checkpoint in OUT after an interruption:

    python -m training.train ... --start noise-cancel-lite.weights.h5
    python -m training.train ... --resume

A larger network can start from a smaller one:

    python -m training.train ... --name noise-cancel-small --d 10 --g 64 --g0 64 --start noise-cancel-lite.weights.h5

On a GPU, with more patches per step, and all cores making examples (90 steps of noise-cancel-small per second on an
H200). Leave out --evaluation, because JAX compiles the network for each image size; use `make quality` with --weights:

    KERAS_BACKEND=jax python -m training.train ... --batch 64 --patch 48 --workers 14 --pool 8192 --reuse 16 \\
        --precision mixed_bfloat16 --together 64

`training/degradation.py` describes the degradation. The exit status is 1 if the weights are not better than bicubic, or
are worse than those at the start.
"""

import math
import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # silences TensorFlow at import

import keras
import numpy as np
from PIL import Image

from evaluation.pictures import filter_enlarger
from training.batches import Batches, BatchOptions
from training.checkpoint import Progress, load_checkpoint, save_checkpoint
from training.degradation import Degradation
from training.errors import TrainingError
from training.examples import LOW_EDGE, ExampleOptions
from training.growing import start_from
from training.loss import levels_of, psnr_loss
from training.network import build_network, save_weights, start_as_bilinear
from training.optimizer import ConvolutionMuon
from training.options import Options, read_options
from training.photographs import load_patches
from training.scores import Scores, evaluate, network_enlarger
from training.steps import steps_of

LINE_EVERY = 30  # s between two lines of progress
DIVERGED = 3  # times the lowest error so far: then the training has diverged and stops before a checkpoint
TOLERANCE = 0.05  # dB that a score may fall below that of the start, as test sets are small


def train(options: Options) -> bool:
    """Train, save the weights, and return whether they pass the final checks."""
    options.check()
    keras.utils.set_random_seed(options.seed)
    architecture, scale = options.architecture, options.scale
    checkpoint = options.output / "checkpoint.npz"
    options.output.mkdir(parents=True, exist_ok=True)

    # The model.
    network = build_network(architecture, options.precision)
    if options.start:
        start_from(network, architecture, options.start)
    else:
        start_as_bilinear(network, architecture)
    optimizer = ConvolutionMuon(options.average)
    steps = steps_of(network, optimizer, psnr_loss, options.patch)
    # For evaluation and the weight file: float32, with averaged weights.
    averaged = build_network(architecture)
    averaged.set_weights(network.get_weights())

    # Scores at the start, before a checkpoint replaces the weights.
    at_start = scores_of(network_enlarger(averaged), options)
    progress = load_checkpoint(checkpoint, network, optimizer, architecture) if options.resume else Progress()
    print(f"{network.count_params():,} parameters; {keras.backend.backend()}; step {progress.step}", flush=True)

    with tempfile.TemporaryDirectory() as scratch:
        # The data: photograph patches in a file shared by the processes, degraded examples, batches.
        patches_file = Path(scratch) / "patches.npy"
        patches = load_patches(options.photographs, LOW_EDGE * scale, options.seed)
        np.save(patches_file, patches)
        print(f"{len(patches):,} patches of {LOW_EDGE * scale} px, {patches.nbytes / 1e6:,.0f} MB", flush=True)
        del patches
        # The seed depends on the step, so that a resumed run does not repeat its first examples.
        seed = options.seed + progress.step
        examples = ExampleOptions(scale, seed, options.drawings, Degradation())
        dimensions = BatchOptions(
            options.together, options.batch, options.patch, options.pool, options.reuse, options.workers
        )
        with closing(Batches(patches_file, examples, dimensions)) as batches:
            # The loop.
            first, done = progress, 0.0
            lowest = math.inf  # lowest error of a progress line, in levels
            losses: list[float] = []  # mean losses of the calls since the last line
            saved = printed = began = time.monotonic()
            while done < 1:
                optimizer.learning_rate = learning_rate(options, progress)
                losses.append(steps(*batches.take()))
                now = time.monotonic()
                progress = Progress(progress.step + options.together, first.seconds + now - began)
                done = share_done(options, progress)
                if not math.isfinite(losses[-1]):
                    raise TrainingError(f"the loss is {losses[-1]} at step {progress.step}; lower --learning-rate")
                if now - printed >= LINE_EVERY or done >= 1:
                    mean = levels_of(float(np.mean(losses)))
                    lowest = min(lowest, mean)
                    if mean > DIVERGED * lowest:
                        raise TrainingError(
                            f"the loss has risen from {lowest:.1f} to {mean:.1f} levels at step {progress.step};"
                            " resume from the last checkpoint with --resume and a lower --learning-rate"
                        )
                    speed = options.together * len(losses) / (now - printed)
                    print(
                        f"{done:6.1%}  step {progress.step}  loss {mean:.3f} levels  {speed:.2f} steps/s"
                        f"  learning rate {float(optimizer.learning_rate.numpy()):.2e}",
                        flush=True,
                    )
                    if now - saved >= 60 * options.checkpoint_minutes or done >= 1:
                        save_checkpoint(checkpoint, network, optimizer, progress, options)
                        save_average(network, optimizer, averaged, options.output / f"{options.name}.weights.h5")
                        if options.evaluate_often and done < 1:
                            print_scores("now", scores_of(network_enlarger(averaged), options))
                        saved = now
                    losses, printed = [], time.monotonic()

    # The evaluation.
    at_end = scores_of(network_enlarger(averaged), options)
    bicubic = scores_of(filter_enlarger(scale, Image.Resampling.BICUBIC), options)
    for title, scores in (("bicubic", bicubic), ("start", at_start), ("end", at_end)):
        print_scores(title, scores)
    return passes_checks(at_end, bicubic, at_start)


def share_done(options: Options, progress: Progress) -> float:
    """Share of the training that is done, in [0, 1]: of the time or of the steps, whichever is further."""
    of_steps = progress.step / options.steps if options.steps else 0.0
    return min(max(progress.seconds / options.seconds, of_steps), 1.0)


def learning_rate(options: Options, progress: Progress) -> float:
    """A cosine to 0, with a linear warm-up."""
    warm_up = min((progress.step + 1) / max(options.warm_up, 1), 1)
    return options.learning_rate * warm_up * (1 + math.cos(math.pi * share_done(options, progress))) / 2


def save_average(network: Any, optimizer: Any, averaged: Any, path: Path) -> None:
    """Set the weights of `averaged` to the moving average of the network's, and save them."""
    kept = network.get_weights()
    optimizer.finalize_variable_values(network.trainable_variables)  # Keras has no other access to the average
    averaged.set_weights(network.get_weights())
    network.set_weights(kept)
    save_weights(averaged, path)


def scores_of(enlarge: Any, options: Options) -> dict[str, Scores]:
    """Scores by test set."""
    return {folder.name: evaluate(enlarge, folder, options.scale) for folder in options.evaluation}


def print_scores(title: str, scores: dict[str, Scores]) -> None:
    """Print one line per test set."""
    for name, each in scores.items():
        print(f"{title:8} {name}: {each}", flush=True)


def passes_checks(ours: dict[str, Scores], bicubic: dict[str, Scores], start: dict[str, Scores]) -> bool:
    """Compare the scores with those of bicubic and the start; print and return the result."""
    checks = {
        "clean pictures are better than by bicubic": all(ours[name].clean > bicubic[name].clean for name in ours),
        "JPEGs are better than by bicubic": all(ours[name].jpeg > bicubic[name].jpeg for name in ours),
        f"nothing is more than {TOLERANCE} dB below the start": all(
            getattr(ours[name], score) >= getattr(start[name], score) - TOLERANCE
            for name in ours
            for score in ("clean", "jpeg", "consistency")
        ),
    }
    if not ours:
        print("not evaluated; --evaluation names folders of test images")
        return True
    for check, holds in checks.items():
        print(f"{'holds' if holds else 'DOES NOT HOLD'}: {check}")
    return all(checks.values())


def main() -> int:
    """Read the command line, train and return the exit status; an error prints one line."""
    try:
        return 0 if train(read_options(sys.argv[1:], __doc__ or "")) else 1
    except TrainingError as exc:
        print(f"training: {exc}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
