"""Which files an ONNX file names for its weights, also if it is damaged or hostile."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from conftest import FIXTURES
from onnx import TensorProto, helper

from superscaling.models import external_data
from superscaling.models.external_data import external_files


def tensor(location: str) -> TensorProto:
    made = TensorProto(data_type=TensorProto.FLOAT, dims=[4], name="w", data_location=TensorProto.EXTERNAL)
    made.external_data.add(key="offset", value="0")
    made.external_data.add(key="location", value=location)
    return made


def saved(directory: Path, data: bytes) -> Path:
    path = directory / "network.onnx"
    path.write_bytes(data)
    return path


def test_every_place_of_a_tensor(tmp_path: Path) -> None:
    sparse = helper.make_sparse_tensor(tensor("of a sparse one"), tensor("of its places"), [4])
    branch = helper.make_graph([], "branch", [], [], [tensor("of a branch")])
    nodes = [
        helper.make_node("Constant", [], ["a"], value=tensor("of an attribute")),
        helper.make_node("If", ["c"], ["b"], then_branch=branch, else_branch=branch),
    ]
    function = helper.make_function(
        "my.own", "F", [], ["y"], [helper.make_node("Constant", [], ["y"], value=tensor("of a function"))], []
    )
    graph = helper.make_graph(nodes, "network", [], [], [tensor("of the graph"), tensor("of the graph")])
    graph.sparse_initializer.append(sparse)
    model = helper.make_model(graph, functions=[function])
    assert external_files(saved(tmp_path, model.SerializeToString())) == [
        "of a branch",
        "of a function",
        "of a sparse one",
        "of an attribute",
        "of its places",
        "of the graph",
    ]


@pytest.mark.parametrize("name", ["compact-x4", "swin-x3"])
def test_weights_in_the_file_itself(name: str) -> None:
    assert external_files(FIXTURES / "networks" / f"{name}.onnx") == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x3a",  # a graph without its length
        b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # of 2**70 bytes
        b"\xff" * 1000,
        b"\x3b",  # a kind of field that is no longer used
        b"\x39\x00",  # a number of 8 bytes, of which one is there
    ],
    ids=["empty", "cut", "huge", "no end", "group", "short"],
)
def test_damaged_files(data: bytes, tmp_path: Path) -> None:
    assert external_files(saved(tmp_path, data)) == []


def test_any_damage(tmp_path: Path) -> None:
    """It is found out by who reads the network; here nothing but what is documented is raised."""
    whole = helper.make_model(helper.make_graph([], "network", [], [], [tensor("weights.data")])).SerializeToString()
    chance = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(whole[: chance.integers(1, len(whole) + 1)])
        data[chance.integers(len(data))] = chance.integers(256)
        with contextlib.suppress(ValueError):
            assert len(external_files(saved(tmp_path, bytes(data)))) <= 1


def test_too_many_fields(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each empty graph is two bytes; gigabytes of them would take minutes."""
    monkeypatch.setattr(external_data, "MAX_FIELDS", 1000)
    assert external_files(saved(tmp_path, b"\x3a\x00" * 1000)) == []
    with pytest.raises(ValueError, match="it has more than 1000 fields"):
        external_files(saved(tmp_path, b"\x3a\x00" * 1001))
