"""Check options before any work, in the words in which the service refuses them."""

from collections.abc import Mapping
from fractions import Fraction

from superscaling.errors import MalformedMessage
from superscaling.option_texts import check_group, echoed, typed_text
from superscaling.size_choice import MAX_SCALE, MAX_SIDE, Fit, SizeChoice
from upscale.errors import UsageError

SIDES = ("width", "height")


def check_options(options: Mapping[str, str], group: str | None) -> None:
    """Check what is asked of every image, as in the query of a request, and the name of a group of jobs.

    Raises:
        UsageError: something is out of range, or options contradict each other.
    """
    numbers = {name: typed_text(options[name]) for name in ("scale", "strength", *SIDES) if name in options}
    for name, value in numbers.items():
        least, most = {"scale": (1, MAX_SCALE), "strength": (0, 1)}.get(name, (1, MAX_SIDE))
        is_number = type(value) is int or (type(value) is float and name not in SIDES)
        if not (is_number and least <= float(value) <= most):
            kind = "whole number" if name in SIDES else "number"
            raise UsageError(f"{name} must be a {kind} from {least} to {most}, not {echoed(value)}")
    scale = Fraction(str(numbers["scale"])) if "scale" in numbers else None
    width, height = (int(numbers[side]) if side in numbers else None for side in SIDES)
    try:
        SizeChoice(scale, width, height, Fit(options["fit"]) if "fit" in options else None).check()
        if group is not None:
            check_group(group)
    except MalformedMessage as exc:
        raise UsageError(exc.detail) from exc
    except ValueError as exc:
        raise UsageError(f"group {exc}") from exc
