"""Weights between those of a network and those that were fine-tuned from them."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from training.between import main
from training.files import read_arrays


def weights(value: float, channels: int = 1, layers: int = 1) -> dict[str, np.ndarray]:
    """Of a plain x2 network, all of this value."""
    kernels = {"head": (channels, 3, 3, 3), "tail": (12, channels, 3, 3), "skip": (12, 3, 5, 5)}
    kernels |= {f"body.{number}": (channels, channels, 3, 3) for number in range(layers)}
    arrays = {f"{name}.weight": np.full(shape, value, np.float32) for name, shape in kernels.items()}
    return arrays | {f"{name}.bias": np.full(shape[0], value, np.float32) for name, shape in kernels.items()}


def test_mixes_each_array_by_its_share(tmp_path: Path) -> None:
    np.savez(tmp_path / "before.npz", allow_pickle=False, **weights(0))
    np.savez(tmp_path / "after.npz", allow_pickle=False, **(weights(8) | {"tail.bias": np.full(12, 4, np.float32)}))
    output = tmp_path / "mixed.npz"
    assert (
        main([str(tmp_path / "before.npz"), str(tmp_path / "after.npz"), "--share", "0.25", f"--output={output}"]) == 0
    )
    mixed = read_arrays(output)
    assert mixed.keys() == weights(0).keys()
    assert {name: set(each.ravel().tolist()) for name, each in mixed.items() if name != "tail.bias"} == {
        name: {2.0} for name in mixed if name != "tail.bias"
    }
    assert set(mixed["tail.bias"].tolist()) == {1.0}
    assert len(list(tmp_path.iterdir())) == 3


def an_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def encrypted(path: Path) -> None:
    """As far as its headers say."""
    np.savez(path, allow_pickle=False, **weights(0))
    data = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := data.find(signature, start + 1)) >= 0:
            data[start + place] |= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (lambda path: path.write_bytes(b"no archive"), "holds no plain x2 network (File is not a zip file)"),
        (lambda path: path.write_bytes(b""), "holds no plain x2 network (File is not a zip file)"),
        (an_array, "holds no plain x2 network (File is not a zip file)"),
        (encrypted, "holds no plain x2 network (File 'head.weight.npy' is encrypted"),
        (lambda path: None, "there is no weight file"),
        (lambda path: path.mkdir(), "there is no weight file"),
        (lambda path: np.savez(path, allow_pickle=False, kernel=np.zeros(3, np.float32)), "head.bias is missing"),
        (lambda path: np.savez(path, allow_pickle=False, **weights(0), extra=np.zeros(1)), "it has 'extra'"),
        (
            lambda path: np.savez(path, allow_pickle=False, **(weights(0) | {"tail.bias": np.zeros(27, np.float32)})),
            "tail.bias has the shape (27,) in float32, not (12,) in float32",
        ),
        (
            lambda path: np.savez(path, allow_pickle=False, **(weights(0) | {"head.bias": np.zeros(1)})),
            "head.bias has the shape (1,) in fl",
        ),
        (lambda path: np.savez(path, allow_pickle=False, **weights(0, channels=2)), "weights of different networks"),
        (lambda path: np.savez(path, allow_pickle=False, **weights(0, layers=2)), "weights of different networks"),
    ],
    ids=[
        "no archive",
        "empty",
        "an array",
        "encrypted",
        "no file",
        "a folder",
        "something else",
        "too much",
        "another shape",
        "another type",
        "more channels",
        "more layers",
    ],
)
def test_refuses_what_does_not_fit(
    after: Callable[[Path], object], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "before.npz", allow_pickle=False, **weights(0))
    path, output = tmp_path / "after.npz", tmp_path / "mixed.npz"
    after(path)
    assert main([str(tmp_path / "before.npz"), str(path), "--share", "0.5", f"--output={output}"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not output.exists()


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("nothing/mixed.npz", "can't write into .*nothing: No such file"),
        ("before.npz/mixed.npz", "can't write into .*before.npz: Not a directory"),
        ("mixed", "mixed: the name of a plain network's weight file ends in .npz"),
        ("folder.npz", "folder.npz is a folder"),
    ],
)
def test_refuses_where_nothing_can_be_written(
    output: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tmp_path / "before.npz"
    np.savez(before, allow_pickle=False, **weights(0))
    (tmp_path / "folder.npz").mkdir()
    assert main([str(before), str(before), "--share", "0.5", f"--output={tmp_path / output}"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(said, line)


@pytest.mark.parametrize("share", ["-0.1", "1.1", "nan"])
def test_refuses_shares_that_are_none(share: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a.npz", "b.npz", f"--share={share}", f"--output={tmp_path / 'mixed.npz'}"]) == 1
    assert "--share" in capsys.readouterr().err
