"""The steps of jobs: run again, in any order, by several, and against what goes wrong."""

import contextlib
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import encoded
from fakes import noise
from job_fakes import IMAGE, Fleet
from PIL import Image

from jobs.attempts import MAX_FAILURES, MAX_TRIES
from jobs.blocks import cut_into_blocks
from jobs.ids import new_id
from jobs.records import Block, Plan
from jobs.steps import Steps
from message_protocol import JobState
from superscaling.enlarging import PartSize
from superscaling.errors import (
    ClientGone,
    DecoderUnavailable,
    EngineFailed,
    JobUnknown,
    ServiceStopping,
    StoreUnavailable,
    UnknownModel,
)
from superscaling.geometry import Cost
from superscaling.scheduling import Admission, Deadline, Demand, Timings


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def planned(steps: Steps, job_id: str) -> Plan:
    plan = steps.plan(job_id, 1, Deadline(60))
    assert plan is not None
    return plan


def test_all_steps_one_after_the_other(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    steps, job_id = fleet.worker(), fleet.submit()
    plan = planned(steps, job_id)
    assert len(plan.blocks) >= 3
    assert [block.first for block in plan.blocks] == [0, *(block.stop for block in plan.blocks[:-1])]
    with caplog.at_level(logging.INFO, "jobs"):
        for number in range(len(plan.blocks)):
            assert steps.block(job_id, number, Deadline(60)) == plan
        steps.join(job_id, Deadline(60))
    assert fleet.end(job_id).state is JobState.DONE
    assert fleet.result(job_id) == fleet.expected()
    said = [record for record in caplog.records if record.message == "step"]
    assert [vars(record)["step"] for record in said] == [*(f"block-{n}" for n in range(len(plan.blocks))), "join"]
    assert {(vars(record)["job"], vars(record)["request_id"]) for record in said} == {(job_id, "from-the-client")}


def test_steps_may_run_twice_in_any_order_and_by_anybody(fleet: Fleet) -> None:
    job_id = fleet.submit()
    plan = planned(fleet.worker(), job_id)
    assert planned(fleet.worker(block_seconds=1.0), job_id) == plan, "the first plan holds"
    for number in [*reversed(range(len(plan.blocks))), 0, 1]:
        fleet.worker().block(job_id, number, Deadline(60))
    assert fleet.tiles == plan.tiles, "a block is made once"
    fleet.worker().join(job_id, Deadline(60))
    end, result = fleet.end(job_id), fleet.result(job_id)
    assert result == fleet.expected()
    tiles = fleet.tiles
    late = fleet.worker()
    assert late.plan(job_id, 1, Deadline(60)) is None
    assert late.block(job_id, 0, Deadline(60)) is None
    late.join(job_id, Deadline(60))
    assert (fleet.end(job_id), fleet.result(job_id), fleet.tiles) == (end, result, tiles)


def test_a_picture_without_parts(fleet: Fleet) -> None:
    """Nothing of it is shown to the network."""
    image = encoded(Image.fromarray(np.full((20, 20), 700, np.uint16)))
    steps, job_id = fleet.worker(), fleet.submit(image)
    assert planned(steps, job_id).blocks == (Block(0, 0, 0),)
    steps.block(job_id, 0, Deadline(60))
    steps.join(job_id, Deadline(60))
    assert fleet.result(job_id) == fleet.expected(image)
    assert fleet.tiles == 0


def test_what_is_wrong_with_the_picture_ends_the_job(fleet: Fleet) -> None:
    steps, job_id = fleet.worker(), fleet.submit(IMAGE[:-200])
    assert steps.plan(job_id, 1, Deadline(60)) is None
    failure = fleet.end(job_id).failure
    assert failure is not None
    assert (failure.status, failure.code) == (422, "image_corrupt")


def store_is_gone(*_: object) -> None:
    raise StoreUnavailable("it is full")


def test_failures_of_the_engine_for_a_while_end_no_job(fleet: Fleet) -> None:
    steps, job_id = fleet.worker(), fleet.submit()
    planned(steps, job_id)
    fleet.failure = OSError("out of order")
    for _ in range(MAX_FAILURES + 2):
        with pytest.raises(EngineFailed):
            steps.block(job_id, 0, Deadline(60))
    fleet.failure = None
    assert steps.block(job_id, 0, Deadline(60))
    assert not fleet.ledger.has_ended(job_id)


@pytest.mark.parametrize("where", ["engine", "decoder"])
def test_failures_that_do_not_pass_end_a_job(fleet: Fleet, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a picture for which the decoder is killed each time, as the container has too little memory."""
    steps, job_id = fleet.worker(), fleet.submit()
    planned(steps, job_id)
    if where == "engine":
        fleet.failure = OSError("out of order")
    else:
        steps.release()
        monkeypatch.setattr(steps._files, "decode", decoder_is_killed)
    monkeypatch.setattr("jobs.attempts.FAILURE_SECONDS", 0.05)
    tries = 0
    while not fleet.ledger.has_ended(job_id):
        tries += 1
        assert tries < 1000
        time.sleep(0.002)
        with contextlib.suppress(EngineFailed, DecoderUnavailable):
            assert steps.block(job_id, 0, Deadline(60)) is None
    assert tries >= MAX_FAILURES
    failure = fleet.end(job_id).failure
    assert failure is not None
    assert failure.code == "block_failed"
    assert ("was killed" if where == "decoder" else "failed on a tile") in failure.detail


def decoder_is_killed(*_: object) -> None:
    raise DecoderUnavailable("the decoder was killed")


def test_failures_of_the_store_never_end_a_job(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, job_id = fleet.worker(), fleet.submit()
    planned(steps, job_id)
    with monkeypatch.context() as broken:
        broken.setattr(fleet.ledger.work, "write_block", store_is_gone)
        for _ in range(MAX_TRIES + 2):
            with pytest.raises(StoreUnavailable):
                steps.block(job_id, 0, Deadline(60))
    assert steps.block(job_id, 0, Deadline(60))
    assert not fleet.ledger.has_ended(job_id)


def test_a_store_that_is_away_at_the_end_of_a_step_as_well_counts_no_try(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it can't be noted that the step was given up in good order, until the store is back."""
    steps, job_id = fleet.worker(), fleet.submit()
    planned(steps, job_id)
    for _ in range(MAX_TRIES + 2):
        with monkeypatch.context() as broken:
            for name in ("put", "delete"):
                broken.setattr(fleet.ledger.store, name, store_is_gone)
            with pytest.raises(StoreUnavailable):
                steps.block(job_id, 0, Deadline(60))
    assert steps.block(job_id, 0, Deadline(60))
    assert [*fleet.ledger.store.keys(f"jobs/{job_id}/tries/")] == []


class Killed(BaseException):
    """What is left of a step when its process is killed: nothing that could tidy up."""


@pytest.mark.parametrize("step", ["plan", "block", "join"])
def test_what_ends_its_worker_again_and_again_fails(fleet: Fleet, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = fleet.submit()
    if step != "plan":
        plan = planned(fleet.worker(), job_id)
    if step == "join":
        for number in range(len(plan.blocks)):
            fleet.worker().block(job_id, number, Deadline(60))

    def run() -> object:
        worker = fleet.worker()
        if step == "block":
            return worker.block(job_id, 0, Deadline(60))
        if step == "plan":
            return worker.plan(job_id, 1, Deadline(60))
        worker.join(job_id, Deadline(60))
        return None

    with monkeypatch.context() as deadly:
        deadly.setattr(Steps, "_decode", lambda *_: (_ for _ in ()).throw(Killed))
        for _ in range(MAX_TRIES):
            with pytest.raises(Killed):
                run()
    assert not fleet.ledger.has_ended(job_id)
    assert run() is None
    failure = fleet.end(job_id).failure
    assert failure is not None
    assert (failure.status, failure.code) == (422, "block_failed")


def test_tries_before_a_success_are_forgotten(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart now and then during a long job is no reason to give it up."""
    job_id = fleet.submit()
    for _ in range(2):
        with monkeypatch.context() as deadly:
            deadly.setattr(Steps, "_decode", lambda *_: (_ for _ in ()).throw(Killed))
            for _ in range(MAX_TRIES - 1):
                with pytest.raises(Killed):
                    fleet.worker().plan(job_id, 1, Deadline(60))
        with pytest.raises(ServiceStopping):
            fleet.worker().plan(job_id, 1, stopping())  # given up in good order
    assert planned(fleet.worker(), job_id)


def stopping() -> Deadline:
    return Deadline(seconds_until_stop=lambda: -1.0)


def test_a_defect_ends_a_job_as_failed_with_its_traceback_in_the_log(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    steps, job_id = fleet.worker(), fleet.submit()
    monkeypatch.setattr(Steps, "_plan", lambda *_: 1 // 0)
    for _ in range(MAX_TRIES - 1):
        with pytest.raises(ZeroDivisionError):
            steps.plan(job_id, 1, Deadline(60))
    assert steps.plan(job_id, 1, Deadline(60)) is None
    failure = fleet.end(job_id).failure
    assert failure is not None
    assert (failure.status, failure.code) == (500, "internal_error")
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == MAX_TRIES
    assert all("ZeroDivisionError" in str(record.exc_text or record.exc_info) for record in errors)
    assert all(vars(record)["request_id"] == "from-the-client" for record in errors)


def test_a_job_that_was_cancelled_meanwhile_leaves_nothing(fleet: Fleet) -> None:
    steps, job_id = fleet.worker(), fleet.submit()
    planned(steps, job_id)

    def cancel() -> bool:
        fleet.ledger.cancel(job_id)
        return False  # nobody told this process

    assert steps.block(job_id, 0, Deadline(60, is_client_gone=cancel)) is None
    assert steps.block(job_id, 1, Deadline(60)) is None
    fleet.worker().join(job_id, Deadline(60))
    assert fleet.end(job_id).state is JobState.CANCELLED
    assert [*fleet.ledger.store.keys(f"jobs/{job_id}/out/")] == []


def test_a_cancel_that_is_told_ends_a_block_before_the_next_tile(fleet: Fleet) -> None:
    steps, job_id = fleet.worker(block_seconds=60.0), fleet.submit()
    planned(steps, job_id)
    with pytest.raises(ClientGone):
        steps.block(job_id, 0, Deadline(is_client_gone=lambda: fleet.tiles >= 2))
    assert fleet.tiles == 2


def test_a_source_that_is_gone_with_its_job_is_no_failure(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job is cancelled between the look at its end and the next read."""
    job_id = fleet.submit()
    steps = fleet.worker()
    real = fleet.ledger.work.source

    def source(job_id: str) -> bytes:
        fleet.ledger.cancel(job_id)
        return real(job_id)

    monkeypatch.setattr(fleet.ledger.work, "source", source)
    assert steps.plan(job_id, 1, Deadline(60)) is None
    assert fleet.end(job_id).state is JobState.CANCELLED


@pytest.mark.parametrize("step", ["block", "join"])
def test_a_picture_that_is_decoded_differently_is_refused(
    fleet: Fleet, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an update of the service in the middle of a job: better no picture than a wrong one."""
    job_id = fleet.submit()
    plan = planned(fleet.worker(), job_id)
    if step == "join":
        for number in range(len(plan.blocks)):
            fleet.worker().block(job_id, number, Deadline(60))
    other = encoded(noise(40, 52, seed=1))
    monkeypatch.setattr(fleet.ledger.work, "source", lambda _: other)
    if step == "join":
        fleet.worker().join(job_id, Deadline(60))
    else:
        fleet.worker().block(job_id, 0, Deadline(60))
    failure = fleet.end(job_id).failure
    assert failure is not None
    assert failure.code == "block_failed"
    assert "send it again" in failure.detail


def other_model(fleet: Fleet, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's model gets other weights."""
    model = steps._files.models.default
    monkeypatch.setattr(model, "fingerprint", "other weights")
    infer = model.upscaler.infer
    monkeypatch.setattr(model.upscaler, "infer", lambda *args: 255 - infer(*args))
    fleet.models = steps._files.models


@pytest.mark.parametrize("blocks", [1, 3])
def test_a_picture_is_made_by_one_model(
    fleet: Fleet, blocks: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A service that is started with other weights begins its open jobs anew."""
    job_id, before = fleet.submit(), fleet.worker()
    plan = planned(before, job_id)
    for number in range(blocks):
        before.block(job_id, number, Deadline(60))
    after = fleet.worker()
    other_model(fleet, after, monkeypatch)
    with pytest.raises(EngineFailed, match="another model"):
        after.block(job_id, 0, Deadline(60))
    with pytest.raises(EngineFailed, match="another model"):
        after.join(job_id, Deadline(60))
    assert planned(after, job_id).queue != plan.queue
    assert "is planned anew" in caplog.text
    assert fleet.ledger.work.finished(job_id) == frozenset()
    for number in range(len(plan.blocks)):
        after.block(job_id, number, Deadline(60))
    after.join(job_id, Deadline(60))
    assert fleet.result(job_id) == fleet.expected()


def test_a_job_whose_model_is_no_longer_loaded_has_failed(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id, steps = fleet.submit(), fleet.worker()
    planned(steps, job_id)

    def unknown(*_: object) -> str:
        raise UnknownModel("the model 'repeat' is not loaded")

    monkeypatch.setattr("jobs.steps.queue_of", unknown)
    assert steps.plan(job_id, 1, Deadline(60)) is None
    failure = fleet.end(job_id).failure
    assert failure is not None
    assert failure.code == "unknown_model"


def test_a_damaged_block_makes_no_picture(fleet: Fleet) -> None:
    steps, job_id = fleet.worker(), fleet.submit()
    plan = planned(steps, job_id)
    for number in range(len(plan.blocks)):
        steps.block(job_id, number, Deadline(60))
    fleet.ledger.work.write_block(job_id, 1, b"short")
    for _ in range(MAX_TRIES - 1):
        with pytest.raises(ValueError, match="block"):
            steps.join(job_id, Deadline(60))
    steps.join(job_id, Deadline(60))
    assert fleet.end(job_id).state is JobState.FAILED


def test_an_unknown_job(fleet: Fleet) -> None:
    with pytest.raises(JobUnknown):
        fleet.worker().plan(new_id(), 1, Deadline(60))


def test_a_join_waits_for_memory(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes as much as a request for the same picture, so it is admitted as that would be."""
    fleet.admission = Admission(max_pixels=40 * 52)
    steps, job_id = fleet.worker(), fleet.submit()
    for number in range(len(planned(steps, job_id).blocks)):
        steps.block(job_id, number, Deadline(60))
    pixels = list[int]()
    real = fleet.ledger.finish_job

    def finish(*args: Any) -> bool:
        pixels.append(fleet.admission.weighted_pixels)
        return real(*args)

    monkeypatch.setattr(fleet.ledger, "finish_job", finish)
    small = Demand([(10, 10)], Cost(), fleet.models.default.upscaler)
    waits = list[bool]()
    with contextlib.ExitStack() as others:
        others.enter_context(fleet.admission.admitted(small, Deadline(60), Timings()))

        def look() -> bool:
            """Called now and then while it waits."""
            waits.append(fleet.ledger.has_ended(job_id))
            if len(waits) == 3:
                others.close()
            return False

        monkeypatch.setattr("jobs.steps.ADMISSION_PAUSE", 0.0)
        steps.join(job_id, Deadline(60, is_client_gone=look))
    assert waits[:3] == [False] * 3
    assert pixels == [40 * 52]
    assert fleet.result(job_id) == fleet.expected()


MANY = [PartSize(Cost(2, 100), 10) for _ in range(7)]


@pytest.mark.parametrize(
    ("seconds", "most", "expected"),
    [
        ([1.0] * 7, 3.0, [(0, 3, 6), (3, 6, 6), (6, 7, 2)]),
        ([1.0] * 7, 0.5, [(number, number + 1, 2) for number in range(7)]),
        ([1, 9, 1, 1, 1, 1, 1], 4.0, [(0, 1, 2), (1, 2, 2), (2, 6, 8), (6, 7, 2)]),
        ([0.0] * 7, 3.0, [(0, 7, 14)]),
    ],
)
def test_blocks_are_as_long_as_possible(
    seconds: list[float], most: float, expected: list[tuple[int, int, int]]
) -> None:
    assert list(cut_into_blocks(MANY, seconds, most)) == [Block(*each) for each in expected]


def test_blocks_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.blocks.MAX_BLOCK_BYTES", 25)
    assert [block.stop for block in cut_into_blocks(MANY, [0.0] * 7, 9.0)] == [2, 4, 6, 7]
