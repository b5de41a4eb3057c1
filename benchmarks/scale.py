"""One picture over many workers: efficiency, overhead, and where it ends. Real inference by Celery's workers.

Three measurements that answer different questions, and are never put together: one and two workers with a core each;
one to eight with a quarter of a core each, as quotas of cgroups make them; and what a block costs beside inference.
"""

import math
import os
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.fleet import Fleet, Run, running_fleet
from benchmarks.inputs import as_file, photograph
from benchmarks.measuring import Target, say, table, target_list
from benchmarks.quotas import cpu_shares
from evaluation.errors import MeasurementError
from superscaling.settings import Settings

# Sizes in px, such that each part has a few dozen blocks; and seconds of a block by the speed of a whole core.
WHOLE_CORES, WHOLE_BLOCK = (3200, 5000), 1.0
QUARTER_CORES, QUARTER_BLOCK = (2000, 3000), 0.4
SHARE, QUARTERS = 0.25, (1, 2, 4, 8)
MIN_EFFICIENCY, MAX_OVERHEAD = 0.9, 0.01  # of two workers; of a block of the usual length
IN_ONE = 6  # blocks that are made as one, to see what each costs
ROUNDS = 3
# Sum of the terms of a job that are the same for any number of workers.
FIXED = ("wait_plan", "plan", "spread", "gather", "join")


def measure() -> str:
    """The section in Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        whole, pairs = _whole_cores(Path(folder) / "whole")
        quarters = _quarter_cores(Path(folder) / "quarters")
    return "\n".join(
        (
            "Each job is one JPEG at twice its size, by `noise-cancel-plain`, on workers with one thread each, with the"
            " broker and the store on the same machine. The terms are spans that the workers sent.\n",
            "### Workers of one core each\n",
            _report(whole, WHOLE_CORES),
            target_list([Target("2 workers", _efficiency(whole, 2), MIN_EFFICIENCY, "of the ideal", at_least=True)]),
            f"### Workers of {SHARE:g} core each\n",
            "The shares are quotas of cgroups (CFS, periods of 100 ms), and the broker works beside them: not to be"
            " compared with the table above.\n",
            quarters,
            "### Overhead of a block\n",
            _overhead(pairs),
        )
    )


def _whole_cores(folder: Path) -> tuple[dict[int, Run], list[tuple[Run, Run]]]:
    """Medians by number of workers; and with one worker, in turns, runs with the usual and with fewer blocks."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise MeasurementError("two workers of a core each need two cores")
    image, pixels = as_file(photograph(*WHOLE_CORES)), math.prod(WHOLE_CORES)
    with running_fleet(folder, UPSCALER_JOBS_BLOCK_SECONDS=str(WHOLE_BLOCK)) as fleet:
        say("1 of 2 workers of a core each")
        fleet.add_worker(cpus[0])
        _warm_up(fleet)
        pairs = [(fleet.run(image, pixels), fleet.run(image, pixels, IN_ONE)) for _ in range(ROUNDS)]
        say("2 of 2 workers of a core each")
        fleet.add_worker(cpus[1])
        _warm_up(fleet)
        two = _median([fleet.run(image, pixels) for _ in range(ROUNDS)])
    return {1: _median([usual for usual, _ in pairs]), 2: two}, pairs


def _quarter_cores(folder: Path) -> str:
    """The report, or why there is none."""
    cpus = sorted(os.sched_getaffinity(0))
    image = as_file(photograph(*QUARTER_CORES))
    runs = dict[int, Run]()
    try:
        with (
            cpu_shares(SHARE) as shares,
            running_fleet(folder, UPSCALER_JOBS_BLOCK_SECONDS=str(QUARTER_BLOCK)) as fleet,
        ):
            for number in QUARTERS:
                say(f"{number} of {QUARTERS[-1]} workers of {SHARE:g} core each")
                before = fleet.count
                for each in range(before, number):
                    fleet.add_worker(cpus[each % len(cpus)])
                _warm_up(fleet)
                for each in range(before, number):
                    shares.limit(fleet.processes_of(each))
                runs[number] = fleet.run(image, math.prod(QUARTER_CORES))
    except MeasurementError as exc:
        return f"Not measured: {exc}\n"
    return _report(runs, QUARTER_CORES)


def _warm_up(fleet: Fleet) -> None:
    """Every worker has made a block, and knows its speed."""
    size = (800, 800 * fleet.count)
    fleet.run(as_file(photograph(*size)), math.prod(size))


def _median(runs: Sequence[Run]) -> Run:
    return sorted(runs, key=lambda run: run.total)[len(runs) // 2]


def _efficiency(runs: dict[int, Run], number: int) -> float:
    return runs[1].total / (number * runs[number].total)


def _report(runs: dict[int, Run], size: tuple[int, int]) -> str:
    """What was measured, the terms, and what the model makes of those of one worker."""
    head = ("workers", "T", "speed-up", "efficiency", "wait", "plan", "spread", "blocks", "gather", "join", "model's T")
    one = runs[1]
    rows = [
        (
            str(number),
            f"{run.total:.2f} s",
            f"{one.total / run.total:.2f}",
            f"{_efficiency(runs, number):.2f}",
            *(f"{each:.2f}" for each in (run.wait_plan, run.plan, run.spread, run.phase, run.gather, run.join)),
            f"{_predict(one, number):.2f} s",
        )
        for number, run in runs.items()
    ]
    fixed = sum(getattr(one, name) for name in FIXED)
    count, block = len(one.blocks), one.phase / len(one.blocks)
    return (
        table(head, rows) + f"\n{size[1]} x {size[0]} px, {count} blocks. The model is"
        f" *T(N) = wait + plan + spread + ceil({count} / N) x b + gather + join* with the terms of one worker: b ="
        f" {block:.2f} s for a block, and all else together {fixed:.2f} s. So no number of workers makes this picture"
        f" faster than {_predict(one, count):.2f} s; with {_workers_at(one, MIN_EFFICIENCY)} the efficiency is still"
        f" {MIN_EFFICIENCY:g}.\n"
    )


def _predict(one: Run, number: int) -> float:
    """The time with so many workers, by the terms with one."""
    fixed: float = sum(getattr(one, name) for name in FIXED)
    return fixed + math.ceil(len(one.blocks) / number) * one.phase / len(one.blocks)


def _workers_at(one: Run, efficiency: float) -> int:
    """The most workers with which the model is as efficient as that."""
    counts = range(1, len(one.blocks) + 1)
    return max(number for number in counts if _predict(one, 1) / (number * _predict(one, number)) >= efficiency)


def _overhead(pairs: Sequence[tuple[Run, Run]]) -> str:
    """What a block more costs, the picture being the same: its messages, the store, and finding its place.

    The time of the network is left out, as it depends on the size of blocks.
    """
    usual = Settings().jobs_block_seconds
    counts = len(pairs[0][0].blocks), len(pairs[0][1].blocks)
    costs = [(_beside(many) - _beside(few)) / (counts[0] - counts[1]) for many, few in pairs]
    cost = statistics.median(costs)
    share = 100 * cost / usual if cost > 0 else math.nan  # a cost below 0 is noise, which proves nothing
    share_beside = statistics.median(_beside(few) / few.phase for _, few in pairs)
    rows = [
        (f"the picture in {counts[0]} blocks", f"{statistics.median(many.phase for many, _ in pairs):.2f} s"),
        (f"the same in {counts[1]} blocks", f"{statistics.median(few.phase for _, few in pairs):.2f} s"),
        (
            "each further block, without the network",
            f"{cost * 1000:.0f} ms ({min(costs) * 1000:.0f} to {max(costs) * 1000:.0f})",
        ),
        (f"in a block of {usual:g} s", f"{100 * cost / usual:.2f} %"),
        ("all that is not the network, in the larger blocks, as in a request", f"{100 * share_beside:.1f} %"),
    ]
    return (
        "One worker of a core makes the same picture in many and in few blocks, in turns; medians.\n\n"
        + table(("what", "figure"), rows)
        + "\n"
        + target_list([Target(f"coordination in a block of {usual:g} s", share, 100 * MAX_OVERHEAD, "%")])
    )


def _beside(run: Run) -> float:
    """Seconds of the blocks of a job with one worker in which the network does not run."""
    return run.phase - sum(run.inferred)
