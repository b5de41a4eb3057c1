"""Who is let in, who is not, and when to come back."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import hypothesis
import numpy as np
import pytest
from fakes import SetPace, noise, patience, places, upscaler_with
from hypothesis import strategies
from numpy.typing import NDArray
from test_round_robin import COSTS, PROPERTY, SECONDS_PER_PIXEL, round_robin

from superscaling.enlarging import Upscaler
from superscaling.enlarging.mixture import Mixture
from superscaling.enlarging.upscaler import TiledUpscaler
from superscaling.errors import DeadlinePassed, EngineFailed, EstimateOverDeadline, QueueFull
from superscaling.geometry import Cost
from superscaling.scheduling import Admission, AdmittedPicture, Deadline, Demand, Pace, Timings
from superscaling.scheduling.admission import MARGIN

Admitted = contextlib.AbstractContextManager[AdmittedPicture]


def admission_of(max_pixels: int = 10**9) -> Admission:
    return Admission(max_pixels)


PACE = SetPace(lambda cost: cost.area * SECONDS_PER_PIXEL / MARGIN)


def cost_of(area: int) -> Cost:
    """In tiles of 100 px where it can be: 0.1 s each."""
    return Cost(max(1, area // 100), area)


def demand_of(pixels: int, cost: Cost, memory: int = 1, pace: Pace = PACE) -> Demand:
    return Demand([(1, pixels)], cost, pace, memory)


def enter(admission: Admission, pixels: int, cost: Cost, seconds: float = 1000.0, memory: int = 1) -> Admitted:
    return admission.admitted(demand_of(pixels, cost, memory), *patience(seconds))


def correct(admission: Admission, own: AdmittedPicture, cost: Cost) -> None:
    admission.correct(own, replace(own.demand, cost=cost))


def test_pixels_in_memory_are_bounded() -> None:
    admission = admission_of(1000)
    with enter(admission, 600, cost_of(600)), enter(admission, 400, cost_of(400)):
        assert (admission.requests, admission.weighted_pixels) == (2, 1000)
        with pytest.raises(QueueFull) as refused, enter(admission, 1, cost_of(1)):
            pass
        assert (refused.value.limit, refused.value.actual) == (1000, 1001)
        assert refused.value.setting == "queue_pixels"
        assert "this image has 1 px; together" in refused.value.detail
    assert (admission.requests, admission.weighted_pixels, admission.seconds) == (0, 0, 0)


def test_one_alone_may_have_more() -> None:
    admission = admission_of(1000)
    with (
        enter(admission, 5000, cost_of(5000)),
        pytest.raises(QueueFull),
        enter(admission, 1, cost_of(1)),
    ):
        pass


@pytest.mark.parametrize(
    ("held", "timeout", "area", "wait"),
    [
        ([], 1.0, 900, 0),
        ([2000], 3.0, 1000, 0),  # takes turns with the other: done after 1 + 1 s
        ([2000], 3.0, 1600, 2),  # would be done after 1.6 + 1.6 s
        ([2000, 2000], 3.0, 1400, 4),  # until both are done, which advance together
        ([500, 4000], 3.0, 1400, 1),  # once the smaller is done, after 2 x 0.5 s: 1.4 + 1.4 s
    ],
)
def test_time_is_bounded(held: list[int], timeout: float, area: int, wait: int) -> None:
    admission = admission_of()
    admitted = [enter(admission, each, cost_of(each)) for each in held]
    for each in admitted:
        each.__enter__()
    is_admitted = admission.would_admit(demand_of(area, cost_of(area)), timeout)
    assert is_admitted == (wait == 0)
    if wait:
        with pytest.raises(QueueFull) as refused, enter(admission, area, cost_of(area), timeout):
            pass
        assert refused.value.retry_after == wait
        assert refused.value.setting is None
    for each in admitted:
        each.__exit__(None, None, None)


def test_writing_the_result_takes_time_as_well() -> None:
    admission = admission_of()
    demand = replace(demand_of(1000, cost_of(1000)), encoding_seconds=5.0)
    alone = PACE.seconds_for(cost_of(1000))
    with admission.admitted(demand, *patience(5 + alone + 0.1)):
        pass
    with pytest.raises(EstimateOverDeadline) as refused, admission.admitted(demand, *patience(5 + alone - 0.1)):
        pass
    assert refused.value.actual == round(5 + alone, 1)
    assert "ask for a format that is written faster" in refused.value.detail


def test_nobody_is_late_because_of_a_result_that_takes_long_to_write() -> None:
    """The newcomer would be late, as its result is written when the other's tiles are done."""
    admission, seconds = admission_of(), 1000 * SECONDS_PER_PIXEL
    demand = demand_of(1000, cost_of(1000))
    with enter(admission, 1000, cost_of(1000)), admission.admitted(demand, *patience(3 * seconds)) as own:
        admission.correct(own, replace(demand, encoding_seconds=0.5 * seconds))
        with pytest.raises(QueueFull):
            admission.correct(own, replace(demand, encoding_seconds=1.5 * seconds))


def test_what_takes_too_long_alone_is_rejected_for_good() -> None:
    admission = admission_of()
    demand = demand_of(5000, cost_of(5000))
    assert not admission.would_admit(demand, 1.0)
    with pytest.raises(EstimateOverDeadline, match="5000 x 1 px would take about 4 s") as refused:
        admission.admitted(demand, *patience(1.0)).__enter__()
    assert (refused.value.setting, refused.value.retry_after, admission.requests) == ("timeout", None, 0)


def test_a_slow_measurement_is_repeated_before_anybody_is_rejected() -> None:
    """For the question as for the request: both are decided by the same function."""
    seconds_per_pixel, measured = 1.0, 0

    def measure(deadline: Deadline, max_age: float) -> None:
        nonlocal seconds_per_pixel, measured
        seconds_per_pixel, measured = 0.001, measured + 1

    admission = Admission(10**6)
    demand = demand_of(100, cost_of(100), pace=SetPace(lambda cost: cost.area * seconds_per_pixel, measure))
    assert admission.would_admit(demand, 10.0)
    assert measured == 1
    seconds_per_pixel = 1.0
    with admission.admitted(demand, *patience(10.0)):
        assert measured == 2


@pytest.mark.parametrize("error", [EngineFailed("broken"), DeadlinePassed("busy")])
def test_a_measurement_that_fails_is_a_no(error: Exception) -> None:
    def measure(deadline: Deadline, max_age: float) -> None:
        raise error

    demand = demand_of(100, cost_of(100), pace=SetPace(lambda cost: cost.area, measure))
    assert not Admission(10**6).would_admit(demand, 10.0)


def test_a_question_waits_as_long_as_it_says() -> None:
    waits = list[float]()
    pace = SetPace(lambda cost: cost.area, lambda deadline, max_age: waits.append(deadline.seconds))
    Admission(10**6).would_admit(demand_of(100, cost_of(100), pace=pace), 10.0, Deadline(1.0))
    assert waits == [1.0]


def test_a_format_that_takes_more_memory_counts_more_often() -> None:
    """And the client reads the pixels that its picture really has."""
    admission = admission_of(50)
    with enter(admission, 10, cost_of(10)):
        assert admission.would_admit(demand_of(15, cost_of(15)), 1000)
        assert not admission.would_admit(demand_of(15, cost_of(15), memory=3), 1000)
        with pytest.raises(QueueFull, match="this image has 15 px, counted 3 times") as refused:
            enter(admission, 15, cost_of(15), memory=3).__enter__()
        assert (refused.value.limit, refused.value.actual) == (50, 55)


@pytest.mark.parametrize(
    ("may_be_job", "too_long", "full"),
    [
        (False, "send a smaller image", "send it again later"),
        (
            True,
            "send a smaller image, or send it as a job, which may take any time",
            "send it again later, or as a job",
        ),
    ],
)
def test_a_job_is_a_way_out_where_there_are_jobs(may_be_job: bool, too_long: str, full: str) -> None:
    admission = admission_of(50)
    deadline = Deadline(3.0, may_be_job=may_be_job)
    with pytest.raises(EstimateOverDeadline) as refused:
        admission.admitted(demand_of(10, cost_of(4000)), deadline, Timings()).__enter__()
    assert refused.value.detail.endswith(f": {too_long}")
    with enter(admission, 45, cost_of(45)):
        for cost in (cost_of(10), cost_of(2990)):  # there is no memory; there is no time, either
            with pytest.raises(QueueFull) as refused_now:
                admission.admitted(demand_of(10, cost), deadline, Timings()).__enter__()
            assert refused_now.value.detail.endswith(f": {full}")


def test_nobody_who_was_admitted_is_made_late() -> None:
    admission = admission_of()
    with enter(admission, 2000, cost_of(2000), 3.0):
        assert admission.would_admit(demand_of(900, cost_of(900)), 1000)
        assert not admission.would_admit(demand_of(1100, cost_of(1100)), 1000)


def test_finished_tiles_count() -> None:
    admission = admission_of()
    with enter(admission, 4000, Cost(4, 4000)) as own:
        assert admission.seconds_left(own) == admission.seconds == pytest.approx(4)
        correct(admission, own, own.demand.cost * 2)
        assert admission.seconds_left(own) == pytest.approx(8)
        own.timings.tiles_done = 5
        assert admission.seconds_left(own) == admission.seconds == pytest.approx(3)
        assert admission.seconds_until_one_ends() == pytest.approx(3)


def test_nothing_to_be_shown_takes_no_time() -> None:
    """Such as a picture of one grey of 16 bits."""
    admission = admission_of()
    with enter(admission, 100, Cost()) as own:
        assert admission.seconds_left(own) == admission.seconds_until_one_ends() == 0
        assert admission.would_admit(demand_of(100, cost_of(100)), 1000)


def test_who_turns_out_to_need_more_is_asked_again() -> None:
    """By the same rule, beside the others alone; who needs less, or the same, stays in."""
    admission = admission_of()
    with (
        enter(admission, 2000, cost_of(2000), 3.0),
        enter(admission, 900, cost_of(900), 3.0) as own,
    ):
        with pytest.raises(QueueFull, match="this image has 900 px; with the images in progress") as refused:
            correct(admission, own, cost_of(1800))
        assert refused.value.retry_after == 2
        assert own.demand.cost == cost_of(900)
        correct(admission, own, cost_of(950))
        assert own.demand.cost == cost_of(950)
        own.deadline._end = 0  # it is late by now
        correct(admission, own, cost_of(950))
        correct(admission, own, Cost())
        assert own.demand.cost == Cost()


def test_one_alone_may_turn_out_to_need_more() -> None:
    admission = admission_of(1000)
    with enter(admission, 5000, cost_of(5000)) as own:
        correct(admission, own, cost_of(10_000))
        assert own.demand.cost == cost_of(10_000)


CLOCK = 1  # s of the real clock that may pass within a test, of which none passes for the network


@contextlib.contextmanager
def held(admission: Admission, costs: Sequence[Cost]) -> Iterator[list[AdmittedPicture]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(enter(admission, 1, cost, 10**9)) for cost in costs]


@PROPERTY
@hypothesis.given(COSTS, strategies.floats(0.01, 3))
def test_who_is_let_in_is_in_time_and_who_is_not_may_come_back(costs: list[Cost], patience_share: float) -> None:
    *others, newcomer = costs
    alone, together = round_robin([newcomer])[0], round_robin(costs)[-1]
    timeout, demand = alone * (1 + patience_share), demand_of(1, newcomer)
    admission = admission_of()
    with held(admission, others) as pictures:
        if admission.would_admit(demand, timeout):
            assert together <= timeout
            return
        assert together > timeout - CLOCK
        with pytest.raises(QueueFull) as refused, admission.admitted(demand, *patience(timeout)):
            pass
        assert refused.value.retry_after
        _let_pass(refused.value.retry_after, pictures)
        assert admission.would_admit(demand, timeout + CLOCK)


def _let_pass(seconds: float, pictures: list[AdmittedPicture]) -> None:
    """Give each its turns until so much time has passed."""
    now = 0.0
    while now < seconds and any(own.timings.tiles_done < own.demand.cost.tiles for own in pictures):
        for own in pictures:
            if own.timings.tiles_done < own.demand.cost.tiles:
                own.timings.tiles_done += 1
                now += own.demand.cost.area / own.demand.cost.tiles * SECONDS_PER_PIXEL


def in_views(upscaler: Upscaler) -> TiledUpscaler:
    return Upscaler(upscaler._engine, upscaler._lock, upscaler.tile, upscaler._known_answer, views=4)


def with_two_networks(upscaler: Upscaler) -> TiledUpscaler:
    return Mixture(upscaler, upscaler, 0.5)


@pytest.mark.parametrize(("large", "frames", "edge"), [(512, 40, 16), (96, 6, 16), (512, 2, 64), (512, 1, 120)])
@pytest.mark.parametrize("enlarges", [lambda upscaler: upscaler, in_views, with_two_networks])
def test_small_frames_beside_a_large_picture(
    large: int, frames: int, edge: int, enlarges: Callable[[Upscaler], TiledUpscaler]
) -> None:
    """On the lock itself, by a clock that only the network's work moves on: they take as long as was foretold."""
    seconds, at_work = 0.0, 1
    begun = threading.Event()  # the large picture has its first turn

    def infer(batch: NDArray[np.float32]) -> None:
        nonlocal seconds
        begun.set()
        while places(upscaler._lock) < at_work:  # however slow the machine: each asks for its next turn in time
            time.sleep(0.001)
        seconds += batch[0, :, :, 0].size * SECONDS_PER_PIXEL

    upscaler = upscaler_with(infer, tile=64)
    small = enlarges(upscaler)
    for each in (upscaler, small):
        each.check(*patience())
    admission = admission_of()
    picture, frame = (noise(length, length) for length in (large, edge))
    begun.clear()

    def enlarge_large() -> None:
        nonlocal at_work
        with enter(admission, large**2, upscaler.cost_of(large, large)) as own:
            upscaler.enlarge(picture, own.deadline, own.timings)
            at_work -= 1

    thread = threading.Thread(target=enlarge_large, daemon=True)
    at_work = 2
    thread.start()
    begun.wait()
    networks = 2 if isinstance(small, Mixture) else 1
    pace = SetPace(lambda cost: networks * PACE.seconds_for(cost))
    demand = demand_of(frames * edge**2, small.cost_of(edge, edge) * frames, pace=pace)
    with admission.admitted(demand, *patience(1000)) as own:
        foretold = admission.seconds_left(own)
        start = seconds
        for _ in range(frames):
            small.enlarge(frame, own.deadline, own.timings)
        taken = seconds - start
    at_work -= 1
    thread.join()
    assert taken == pytest.approx(foretold, rel=0.05)  # whoever came first in the first round


def test_a_failed_request_gives_its_room_back() -> None:
    admission = admission_of()
    with pytest.raises(ZeroDivisionError), enter(admission, 1, cost_of(1)):
        _ = 1 // 0
    assert (admission.requests, admission.seconds_until_one_ends()) == (0, 0)


def test_many_at_once() -> None:
    """However they come, no more are in than fit."""
    admission, most, refused = admission_of(5), 0, 0
    lock = threading.Lock()

    def ask() -> None:
        nonlocal most, refused
        try:
            with enter(admission, 1, cost_of(1)):
                with lock:
                    most = max(most, admission.requests)
                time.sleep(0.01)
        except QueueFull:
            with lock:
                refused += 1

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most <= 5
    assert refused + most <= 40
    assert admission.requests == 0
