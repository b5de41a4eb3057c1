"""OpenVINO's files of a network (IR): written, and marked where operations must stay exact."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openvino

# Of an RDN, in topological order. In fp32: F_m1, UPN2, UPN3 and SR, through which the picture itself passes. The last
# three make bf16 about 5 dB more exact and 5 % slower; F_m1 and the sum after the blocks another 1 dB at no cost.
FIRST_IN_FP32 = 1
LAST_IN_FP32 = 3
# Not quantised: F_m1 and F_0, whose input is the picture (2 % of the work, half of the error on gradients), and GFF_1,
# GFF_2, UPN1, UPN2, UPN3 and SR, whose output is the picture. GFF_1, GFF_2 and UPN1 run in bf16 if the processor has
# it: they are most of the remaining work.
FIRST_IN_FLOAT = 2
LAST_IN_FLOAT = 6


@dataclass(frozen=True)
class Ends:
    """Names of the convolutions at a network's ends, which stay more exact than the rest.

    `in_fp32`: whatever the inference precision; `in_float`: those that int8 does not quantise. What is in `in_float`
    alone runs in bf16 if the processor has it.
    """

    in_fp32: tuple[str, ...] = ()
    in_float: tuple[str, ...] = ()


def ends_of(network: Any) -> Ends:
    """The ends of any `openvino.Model`, as they suit an RDN."""
    names = convolutions(network)
    return Ends(
        in_fp32=(*names[:FIRST_IN_FP32], *names[-LAST_IN_FP32:]),
        in_float=(*names[:FIRST_IN_FLOAT], *names[-LAST_IN_FLOAT:]),
    )


def read_graph(graph: Path) -> Any:
    """Read TensorFlow's frozen graph; returns an `openvino.Model`.

    (From a file, because OpenVINO 2026.4 on Python 3.13 raises a NameError for TensorFlow objects.)
    """
    return openvino.convert_model(graph)


def save_ir(network: Any, path: Path, ends: Ends | None) -> None:
    """Save an `openvino.Model` as IR at `path` (.xml) and beside it (.bin), with the weights as they are.

    `ends`: what stays in fp32 whatever the inference precision, as well as the last sum; None: nothing.
    """
    openvino.save_model(network, path, compress_to_fp16=False)
    if ends is not None:
        keep_in_fp32(path, {*ends.in_fp32, *sums(network)[-1:]})


def convolutions(model: Any) -> list[str]:
    """Names of the convolutions of an `openvino.Model`, in topological order."""
    return [each.get_friendly_name() for each in model.get_ordered_ops() if each.get_type_name() == "Convolution"]


def sums(model: Any) -> list[str]:
    """Names of the additions of two tensors (not of biases), in topological order."""

    def is_sum(operation: Any) -> bool:
        sources = (each.get_source_output().get_node() for each in operation.inputs())
        return operation.get_type_name() == "Add" and all(each.get_type_name() != "Constant" for each in sources)

    return [each.get_friendly_name() for each in model.get_ordered_ops() if is_sum(each)]


def keep_in_fp32(path: Path, kept: Collection[str]) -> None:
    """Mark operations of an IR (.xml), by name, so that they are computed in fp32 whatever the inference precision.

    bf16 has eight significant bits: in the brightest half of the range its step is a whole level. OpenVINO's attribute
    ("precise") can only be set in the file.
    """
    tree = ElementTree.parse(path)
    for layer in [each for each in tree.iter("layer") if each.get("name") in kept]:
        marks = layer.find("rt_info")  # NNCF keeps such marks under another name
        if marks is None:
            marks = ElementTree.Element("rt_info")
            layer.insert(0 if layer.find("data") is None else 1, marks)
        ElementTree.SubElement(marks, "attribute", name="precise", version="0")
    tree.write(path, encoding="utf-8", xml_declaration=True)
