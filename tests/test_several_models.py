"""Several models share one lock, one admission and one start; with engines that take no time of their own."""

import dataclasses
import mmap
import threading
from collections.abc import Callable

import numpy as np
import pytest
from conftest import encoded, wait_for
from fakes import PIXELS, RepeatingEngine, noise, patience, places
from numpy.typing import NDArray

from message_protocol import EstimateInput, UpscaleInput
from resource_estimate import ResourceEstimate
from resource_models import ResourceModels
from resource_ready import ResourceReady
from resource_upscale import ResourceUpscale
from superscaling.enlarging import LoadedModel, LoadedModels, PictureUpscaler, Upscaler
from superscaling.errors import EngineFailed, EstimateOverDeadline, QueueFull
from superscaling.geometry import Cost
from superscaling.isolation import InThisProcess
from superscaling.models import KnownAnswer
from superscaling.pictures import Limits
from superscaling.scheduling import Admission, Demand, FairLock

LIMITS = Limits(10**6, 10)
TILE = 16
Before = Callable[[NDArray[np.float32]], NDArray[np.float32] | None]


def nothing(_: NDArray[np.float32]) -> None:
    """Before an inference."""


def named(name: str, before: Before = nothing, lock: FairLock | None = None) -> LoadedModel:
    """A model of this name; those with the same lock take turns."""
    engine = RepeatingEngine(before)
    engine.facts = dataclasses.replace(engine.facts, model=name)
    known = KnownAnswer(PIXELS, PIXELS.repeat(2, axis=0).repeat(2, axis=1).astype(np.float32), tolerance=0.01)
    upscaler = Upscaler(engine, lock or FairLock(), TILE, known)
    return LoadedModel(upscaler, PictureUpscaler(upscaler), "0" * 64, "none", memory=0)


def picture(edge: int, model: str | None = None) -> UpscaleInput:
    return UpscaleInput.from_bytes(encoded(noise(edge, edge)), {} if model is None else {"model": model})


def upscale_with(*models: LoadedModel, admission: Admission | None = None) -> ResourceUpscale:
    return ResourceUpscale(LoadedModels(models), admission or Admission(10**6), LIMITS, 90, InThisProcess())


def test_a_thumbnail_waits_for_one_tile_of_the_other_models_poster() -> None:
    """It gets its turn right after the tile that is being inferred when it arrives."""
    turns: list[str] = []
    arrived, waits = threading.Event(), threading.Event()

    def slow(_: NDArray[np.float32]) -> None:
        turns.append("slow")
        if len(turns) == 3:
            arrived.set()
            assert waits.wait(20)

    def fast(_: NDArray[np.float32]) -> None:
        turns.append("fast")

    lock = FairLock()
    models = named("slow", slow, lock), named("fast", fast, lock)
    for model in models:
        model.upscaler.check(*patience())
    turns.clear()
    upscale = upscale_with(*models)
    poster = threading.Thread(target=upscale.main, args=(picture(6 * TILE, "slow"), *patience()))
    thumbnail = threading.Thread(target=upscale.main, args=(picture(TILE, "fast"), *patience()))
    poster.start()
    assert arrived.wait(20)
    thumbnail.start()
    assert wait_for(lambda: places(lock) == 2)
    waits.set()
    thumbnail.join(20)
    poster.join(20)
    assert turns[:5] == ["slow", "slow", "slow", "fast", "slow"]
    assert turns.count("fast") == 1
    assert turns.count("slow") >= 36


def test_two_posters_of_two_models_take_turns() -> None:
    """As long as both wait, no model gets two turns in a row."""
    turns: list[str] = []
    ended = threading.Event()
    lock = FairLock()
    is_measured = False

    def note(name: str) -> Before:
        def before(_: NDArray[np.float32]) -> None:
            turns.append(name)
            # A network takes longer than the other thread needs to come back for its next turn.
            assert not is_measured or wait_for(lambda: places(lock) == 2 or ended.is_set(), pause=0.001)

        return before

    models = named("one", note("one"), lock), named("other", note("other"), lock)
    for model in models:
        model.upscaler.check(*patience())
    turns.clear()
    is_measured = True
    upscale = upscale_with(*models)

    def enlarge(name: str) -> None:
        upscale.main(picture(4 * TILE, name), *patience())
        ended.set()

    posters = [threading.Thread(target=enlarge, args=(name,)) for name in ("one", "other")]
    for each in posters:
        each.start()
    for each in posters:
        each.join(20)
    assert len(turns) >= 32
    assert turns[:30] == turns[:2] * 15
    assert set(turns[:2]) == {"one", "other"}


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> tuple[LoadedModel, LoadedModel]:
    """A fast model, the default, and one that takes a thousand times as long: 1 ms for each px."""
    models = named("fast"), named("slow")
    for model, pace in zip(models, (1e-6, 1e-3), strict=True):
        monkeypatch.setattr(model.upscaler, "seconds_for", lambda cost, pace=pace: cost.area * pace)
    return models


def test_a_picture_is_priced_at_its_own_models_pace(priced: tuple[LoadedModel, LoadedModel]) -> None:
    upscale = upscale_with(*priced)
    with pytest.raises(EstimateOverDeadline):
        upscale.main(picture(80, "slow"), *patience(3))
    assert upscale.main(picture(80, "fast"), *patience(3)).width == 160
    assert upscale.main(picture(80), *patience(3)).width == 160


def test_a_queue_is_priced_at_the_paces_of_its_pictures(priced: tuple[LoadedModel, LoadedModel]) -> None:
    """The slow model's picture in progress makes all others wait by its own tiles, whichever model they ask for."""
    admission = Admission(10**6)
    fast, slow = priced
    upscale = upscale_with(*priced, admission=admission)
    estimate = ResourceEstimate(LoadedModels(priced), admission, LIMITS, 90, 3600)

    def queue_seconds(model: str) -> float:
        message = EstimateInput.from_query({"width": "10", "height": "10", "model": model})
        return estimate.main(message).queue_seconds

    slow_tile = slow.upscaler.seconds_for(Cost.of_window(TILE + 2, TILE + 2))
    with admission.admitted(demand_of(slow), *patience()):
        assert queue_seconds("fast") == queue_seconds("slow") == pytest.approx(slow_tile, rel=0.3)
        assert admission.seconds > 1
        with pytest.raises(QueueFull, match="not all could be finished in time"):
            upscale.main(picture(10, "fast"), *patience(slow_tile / 4))
        assert upscale.main(picture(10, "fast"), *patience(20 * slow_tile)).width == 20
    with admission.admitted(demand_of(fast), *patience()):
        assert queue_seconds("fast") == queue_seconds("slow") < 0.01


def demand_of(model: LoadedModel) -> Demand:
    """What a picture of 30 x 60 px demands."""
    return Demand([(30, 60)], model.upscaler.cost_of(30, 60), model.upscaler)


def failing(_: NDArray[np.float32]) -> None:
    raise RuntimeError("secret detail")


def test_one_that_is_not_ready_is_named() -> None:
    ready = ResourceReady(LoadedModels([named("good"), named("bad", failing), named("worse", failing)]))
    with pytest.raises(EngineFailed) as why:
        ready.main(*patience())
    assert "bad fake fp32 failed" in why.value.detail
    assert "worse fake fp32 failed" in why.value.detail
    assert "good" not in why.value.detail
    assert "secret" not in why.value.detail
    assert ResourceReady(LoadedModels([named("good"), named("better")])).main(*patience()).models == {
        "good": True,
        "better": True,
    }


def test_what_a_model_takes_is_what_its_warm_up_takes() -> None:
    """A failed warm-up counts as well; its model's speed is not known."""
    kept: list[mmap.mmap] = []

    def hungry(_: NDArray[np.float32]) -> None:
        # New memory in any case, not what earlier tests have left free.
        kept.append(mmap.mmap(-1, 30_000_000))
        kept[-1].write(b"x" * 30_000_000)
        raise RuntimeError("full")

    models = LoadedModels([named("light"), named("hungry", hungry)])
    models.default.warm_up()
    with pytest.raises(EngineFailed):
        models.named("hungry").warm_up()
    light, heavy = ResourceModels(models).main().root
    assert light.memory_bytes < 20_000_000 < heavy.memory_bytes < 200_000_000
    assert heavy.seconds_per_megapixel is None
    assert light.seconds_per_megapixel is not None
