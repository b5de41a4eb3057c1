"""Which size a result gets: what a refusal says instead is possible."""

import re
from dataclasses import replace

import hypothesis
import pytest
from hypothesis import strategies

from superscaling.errors import SizeOutOfRange
from superscaling.geometry import Box
from superscaling.size_choice import MAX_SCALE, Fit, ResultSize, SizeChoice

SIDES = strategies.integers(1, 40)
WANTED = strategies.integers(1, 5000)
CHOICES = strategies.one_of(
    strategies.builds(SizeChoice, width=WANTED),
    strategies.builds(SizeChoice, height=WANTED),
    strategies.builds(SizeChoice, width=WANTED, height=WANTED, fit=strategies.sampled_from(Fit)),
)


def instead(choice: SizeChoice, advice: str) -> SizeChoice:
    """What an error says that one may ask for."""
    found = re.fullmatch(r"(?:a (?P<name>\w+) of|to fill) .*: ask for at most (?P<side>\d+)(?: x (\d+))? px", advice)
    assert found
    side, other = int(found["side"]), found[3]
    if other:
        return replace(choice, width=side, height=int(other))
    return replace(choice, width=side) if found["name"] == "width" else replace(choice, height=side)


@hypothesis.settings(max_examples=300, deadline=None, derandomize=True)
@hypothesis.given(SIDES, SIDES, CHOICES)
@hypothesis.example(100, 100, SizeChoice(None, 1000, 2000, Fit.COVER))
@hypothesis.example(100, 100, SizeChoice(None, 1000, 2000, Fit.FILL))
@hypothesis.example(12, 20, SizeChoice(None, None, 97))
def test_who_asks_for_what_a_refusal_says_gets_it(height: int, width: int, choice: SizeChoice) -> None:
    sides = (choice.width, width), (choice.height, height)
    factors = [wanted / own for wanted, own in sides if wanted]
    try:
        result = choice.of(height, width)
    except SizeOutOfRange as exc:
        assert (min if choice.fit is Fit.INSIDE else max)(factors) > MAX_SCALE
        again = instead(choice, exc.detail)
        result = again.of(height, width)
        assert result.width in (again.width, MAX_SCALE * width) or result.height == again.height
        if choice.fit in (Fit.COVER, Fit.FILL):
            assert (result.width, result.height) == (again.width, again.height)
    assert result.width <= MAX_SCALE * result.crop.size[1]
    assert result.height <= MAX_SCALE * result.crop.size[0]


@pytest.mark.parametrize(
    ("choice", "detail"),
    [
        (SizeChoice(None, 1000, 2000, Fit.COVER), "to fill 1000 x 2000 px, this image would have to be enlarged 20"),
        (SizeChoice(None, 1000, 2000, Fit.COVER), "20 times, and at most 8 are possible: ask for at most 400 x 800 px"),
        (SizeChoice(None, 100, 801, Fit.COVER), "enlarged 8.01 times, and at most 8 are possible"),
        (
            SizeChoice(None, 1000, 20, Fit.FILL),
            "a width of 1000 px is more than 8 times the image's 100 px: ask for at",
        ),
        (SizeChoice(None, 1000, 2000, Fit.FILL), "ask for at most 800 x 800 px"),
        (
            SizeChoice(None, None, 801),
            "a height of 801 px is more than 8 times the image's 100 px: ask for at most 800",
        ),
    ],
)
def test_refusals(choice: SizeChoice, detail: str) -> None:
    with pytest.raises(SizeOutOfRange) as refused:
        choice.of(100, 100)
    assert detail in refused.value.detail


def test_a_refusal_names_the_side_that_decides() -> None:
    """In px, whatever the fit."""
    for fit in (Fit.COVER, Fit.FILL):
        with pytest.raises(SizeOutOfRange) as refused:
            SizeChoice(None, 700, 2000, fit).of(100, 100)
        assert (refused.value.limit, refused.value.actual) == (800, 2000)


def test_a_crop_is_never_too_small_by_rounding() -> None:
    """Of 10 px, 5.4 would be shown: five of them, enlarged by 8, are less than 43 px."""
    assert SizeChoice(None, 80, 43, Fit.COVER).of(10, 10) == ResultSize(Box(2, 0, 8, 10), 43, 80)
