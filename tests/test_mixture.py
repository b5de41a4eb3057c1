"""Two networks whose results are mixed: what each does, what both cost, and whom a failure is blamed on."""

import dataclasses
import threading
from typing import Any

import numpy as np
import pytest
from conftest import photograph
from fakes import PIXELS, RepeatingEngine, noise, patience, places
from numpy.typing import NDArray
from test_several_models import Before, failing, nothing

from superscaling.engines import EngineFacts
from superscaling.engines.openvino import EngineOpenVino
from superscaling.enlarging import LoadedModel, LoadedModels, PictureUpscaler, Upscaler
from superscaling.enlarging.mixture import Mixture
from superscaling.errors import ClientGone, EngineFailed, StrengthNotOffered
from superscaling.geometry import Cost
from superscaling.models import MODELS, Kind, KnownAnswer, read_model_files
from superscaling.scheduling import Deadline, FairLock, Speed, Timings

KNOWN = KnownAnswer(PIXELS, PIXELS.repeat(2, axis=0).repeat(2, axis=1).astype(np.float32), tolerance=0.01)


def upscaler(
    name: str, before: Before = nothing, lock: FairLock | None = None, tile: int = 16, **facts: Any
) -> Upscaler:
    engine = RepeatingEngine(before)
    engine.facts = dataclasses.replace(engine.facts, model=name, **facts)
    return Upscaler(engine, lock or FairLock(), tile, KNOWN)


def brighter(by: int) -> Before:
    """Repeats pixels, `by` levels brighter, but for the known answer."""

    def before(batch: NDArray[np.float32]) -> NDArray[np.float32] | None:
        if batch.shape == (1, *PIXELS.shape):
            return None
        return batch.repeat(2, axis=1).repeat(2, axis=2) + np.float32(by / 255)

    return before


@pytest.mark.parametrize(("strength", "expected"), [(0, 10), (0.25, 17.5), (0.5, 25), (1, 40), (1 / 3, 20)])
def test_results_are_mixed_linearly(strength: float, expected: float) -> None:
    """In levels, before they are rounded: half a level is not lost."""
    mixture = Mixture(upscaler("crisp", brighter(40)), upscaler("mild", brighter(10)), strength)
    pixels = noise(40, 50)
    levels = mixture.infer(pixels, *patience())
    assert np.allclose(levels - pixels.repeat(2, 0).repeat(2, 1), expected, atol=1e-3)


def test_a_network_without_a_share_is_not_run() -> None:
    """It may even be out of order."""
    pixels = noise(40, 50)
    for strength, parts in ((0.0, (failing, nothing)), (1.0, (nothing, failing))):
        crisp, mild = (upscaler(name, each) for name, each in zip(("crisp", "mild"), parts, strict=True))
        whole = Mixture(crisp, mild, strength).enlarge(pixels, *patience())
        assert np.array_equal(whole, pixels.repeat(2, 0).repeat(2, 1))


def test_tiles_suit_both() -> None:
    crisp = upscaler("crisp", tile=32, halo=9, multiple=4, kind=Kind.PERCEPTUAL)
    mild = upscaler("mild", tile=64, halo=3, multiple=6, precision="bf16")
    facts = Mixture(crisp, mild, 0.5).facts
    assert (facts.model, facts.scale, facts.halo, facts.multiple) == ("crisp", 2, 9, 12)
    assert (facts.kind, facts.precision, facts.strength) == (Kind.PERCEPTUAL, "fp32+bf16", 0.5)
    assert str(facts) == "crisp fake fp32+bf16 strength 0.5"
    assert Mixture(crisp, mild, 0.5).tile == 32
    only = Mixture(crisp, mild, 0).facts
    assert only == dataclasses.replace(mild.facts, model="crisp", strength=0.0)
    assert Mixture(crisp, mild, 0).tile == 64


def test_tiles_and_the_whole_are_equal() -> None:
    """With real networks of two depths; a few values may differ by a level, at rounding boundaries."""
    files = [read_model_files(MODELS / name) for name in ("noise-cancel-best", "noise-cancel-fast")]
    engines = [EngineOpenVino(each, "fp32", 2) for each in files]
    pixels = photograph(90, 120)

    def enlarged(tile: int) -> NDArray[np.int_]:
        crisp, mild = (
            Upscaler(engine, FairLock(), tile, each.known_answer("fp32"))
            for engine, each in zip(engines, files, strict=True)
        )
        return Mixture(crisp, mild, 0.5).enlarge(pixels, *patience()).astype(int)

    difference = np.abs(enlarged(32) - enlarged(256))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3


def test_each_network_takes_a_turn_for_each_tile() -> None:
    """So another request waits for one tile of one network."""
    turns: list[str] = []
    lock = FairLock()

    def note(name: str) -> Before:
        def before(batch: NDArray[np.float32]) -> None:
            turns.append(name)
            assert places(lock) == 1

        return before

    crisp, mild = (upscaler(name, note(name), lock) for name in ("crisp", "mild"))
    mixture = Mixture(crisp, mild, 0.5)
    mixture.check(*patience())
    turns.clear()
    deadline, timings = patience()
    mixture.enlarge(noise(40, 50), deadline, timings)
    assert turns == ["crisp", "mild"] * mixture.cost_of(40, 50).tiles
    assert timings.tiles_done == mixture.cost_of(40, 50).tiles


def test_it_costs_what_both_cost() -> None:
    """The speeds of the two are learnt from each one's own time."""
    crisp, mild = upscaler("crisp"), upscaler("mild")
    crisp._speed, mild._speed = Speed(3e-6), Speed(1e-6)
    seconds = {strength: Mixture(crisp, mild, strength).seconds_for(Cost(1, 10**6)) for strength in (0, 0.1, 0.9, 1)}
    assert seconds == pytest.approx({0: 1, 0.1: 4, 0.9: 4, 1: 3})
    mixture = Mixture(crisp, mild, 0.5)
    mixture.measure_speed(Deadline(60))
    assert crisp._speed_measured > 0
    assert mild._speed_measured > 0
    assert mixture.seconds_for(Cost(1, 10**6)) == crisp.seconds_for(Cost(1, 10**6)) + mild.seconds_for(Cost(1, 10**6))


def test_a_failure_is_that_of_one_network() -> None:
    crisp, mild = upscaler("crisp"), upscaler("mild", brighter(300))
    mild._known_answer = dataclasses.replace(KNOWN, expected=KNOWN.expected + 9)
    with pytest.raises(EngineFailed, match=r"^mild fake fp32 differs from its known answer"):
        Mixture(crisp, mild, 0.5).enlarge(noise(9, 9), *patience())
    crisp.enlarge(noise(9, 9), *patience())  # is trusted as before


def test_it_stops_between_two_networks() -> None:
    """A client that hangs up during the first network's turn does not get the second's."""
    turns: list[str] = []
    gone = threading.Event()

    def hang_up(batch: NDArray[np.float32]) -> None:
        if batch.shape != (1, *PIXELS.shape):
            gone.set()

    crisp, mild = upscaler("crisp", hang_up), upscaler("mild", lambda batch: turns.append("mild"))
    mixture = Mixture(crisp, mild, 0.5)
    mixture.check(*patience())
    turns.clear()
    with pytest.raises(ClientGone):
        mixture.enlarge(noise(9, 9), Deadline(60, None, gone.is_set), Timings())
    assert not turns


def test_what_is_loaded_says_who_offers_strength() -> None:
    def loaded(name: str, milder: Upscaler | None = None) -> LoadedModel:
        own = upscaler(name)
        return LoadedModel(own, PictureUpscaler(own), "0" * 64, "none", memory=0, milder=milder)

    plain, crisp = loaded("plain"), loaded("crisp", upscaler("mild"))
    models = LoadedModels([plain, crisp])
    assert models.chosen(None, 1.0) is plain.picture_upscaler
    assert models.chosen("crisp", 1.0) is crisp.picture_upscaler
    assert models.chosen("crisp", 0.25).facts == dataclasses.replace(crisp.facts, strength=0.25)
    with pytest.raises(StrengthNotOffered, match=r"plain has no strength .*, or ask for the model crisp, which has$"):
        models.chosen("plain", 0.5)
    with pytest.raises(StrengthNotOffered, match=r"plain has no strength to choose: leave 'strength' out$"):
        LoadedModels([plain]).chosen(None, 0.0)


def test_a_model_is_ready_if_its_sibling_is() -> None:
    own = upscaler("crisp")
    model = LoadedModel(own, PictureUpscaler(own), "0" * 64, "none", memory=0)
    model.milder, model.owns_milder = upscaler("mild", failing), True
    with pytest.raises(EngineFailed, match=r"^mild fake fp32 failed"):
        model.warm_up()
    with pytest.raises(EngineFailed, match=r"^crisp can't mix in its milder sibling: mild fake fp32 failed"):
        model.check(*patience())
    model.owns_milder = False  # it is a model itself, and checked as such
    model.check(*patience())


def test_facts_without_strength_are_as_before() -> None:
    facts = EngineFacts("a", "openvino", "int8", threads=1, scale=2, halo=3, views=2)
    assert str(facts) == "a openvino int8 2 views"
