"""Refuses networks that would take for ever or all memory, before they are run for the first time."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from superscaling.conversion.last_line import last_line
from superscaling.errors import ModelUnavailable

# What a network may make of a small picture, in any operation, in values: files can ask for any enlargement.
MAX_VALUES = 1 << 26  # 256 MB
# Sides in px of the small picture: one of them is a multiple of the windows of each network that is known.
PROBES = (64, 96, 56, 66, 128)
# Of a network, on what is made of the picture. Importing twice as many takes minutes.
MAX_OPERATIONS = 10_000
# Operations that repeat others as often as a file says.
LOOPS = ("Loop", "TensorIterator")


def check_cost(network: Any, shapes: Sequence[Sequence[int]]) -> None:
    """Make sure that a network repeats nothing, is not too long, and makes no more of a small picture than fits memory.

    Args:
        network: an `openvino.Model`. What shapes don't tell, such as how many values are not zero, is not checked.
        shapes: of its input, for small pictures; the first that the network takes counts.

    Raises:
        ModelUnavailable: it does, or is; or it takes none of the shapes.
    """
    for operation in _operations(network):
        if (kind := operation.get_type_name()) in LOOPS:
            raise ModelUnavailable(f"the network has loops ({kind}), which networks for pictures don't need")
    probe = _fitted(network, shapes)
    size = " x ".join(str(length) for length in probe.inputs[0].get_shape() if length not in (1, 3))
    largest = max(_values(output) for each in _operations(probe) for output in each.outputs())
    if largest > MAX_VALUES:
        raise ModelUnavailable(
            f"the network makes {largest:.1e} values of {size} px; at most {MAX_VALUES:.1e} are allowed"
        )
    if (count := _count(network)) > MAX_OPERATIONS:
        raise ModelUnavailable(f"the network has {count} operations; at most {MAX_OPERATIONS} are allowed")


def _count(network: Any) -> int:
    """Number of operations on what is made of the picture. Those on its size, which exporters add, take no time."""
    made = set[int]()
    for each in _operations(network):
        takes = (value.get_node().get_instance_id() for value in each.input_values())
        kind = each.get_type_name()
        if kind == "Parameter" or (kind != "ShapeOf" and not made.isdisjoint(takes)):
            made.add(each.get_instance_id())
    return len(made)


def _fitted(network: Any, shapes: Sequence[Sequence[int]]) -> Any:
    """A copy of the network for the first shape that it takes.

    Raises:
        ModelUnavailable: it takes none.
    """
    failures = []
    for shape in shapes:
        probe = network.clone()
        try:
            probe.reshape(list(shape))
        except (RuntimeError, MemoryError) as exc:
            failures.append(last_line(exc))
        else:
            return probe
    edges = ", ".join(map(str, PROBES))
    raise ModelUnavailable(f"the network takes no small picture ({edges} px were tried): {failures[0]}")


def _operations(network: Any) -> Iterator[Any]:
    """Also those in branches."""
    for each in network.get_ordered_ops():
        yield each
        if each.get_type_name() == "If":
            for body in (each.get_then_body(), each.get_else_body()):
                yield from _operations(body)


def _values(output: Any) -> float:
    """The most values that an output can have; an axis that is open counts as one."""
    shape = output.get_partial_shape()
    if shape.rank.is_dynamic:
        return 1
    return float(np.prod([max(1, axis.get_max_length()) for axis in shape], dtype=np.float64))
