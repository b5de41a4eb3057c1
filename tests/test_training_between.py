"""Weights between those of a network and those that were fine-tuned from them."""

from pathlib import Path

import numpy as np
import pytest

from training.between import main


def test_mixes_each_array_by_its_share(tmp_path: Path) -> None:
    np.savez(tmp_path / "before.npz", kernel=np.array([[0, 4]], np.float32), bias=np.array([1], np.float32))
    np.savez(tmp_path / "after.npz", kernel=np.array([[8, 4]], np.float32), bias=np.array([3], np.float32))
    output = tmp_path / "mixed.npz"
    assert (
        main([str(tmp_path / "before.npz"), str(tmp_path / "after.npz"), "--share", "0.25", f"--output={output}"]) == 0
    )
    with np.load(output) as mixed:
        assert {name: mixed[name].tolist() for name in mixed.files} == {"kernel": [[2, 4]], "bias": [1.5]}
        assert mixed["kernel"].dtype == np.float32


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (b"no archive", "holds no weights"),
        (None, "holds no weights"),
        ({"kernel": np.zeros((2, 1), np.float32)}, "weights of different networks"),
        ({"other": np.zeros((1, 2), np.float32)}, "weights of different networks"),
    ],
    ids=["no archive", "no file", "another shape", "another layer"],
)
def test_refuses_what_does_not_fit(
    after: bytes | dict[str, np.ndarray] | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "before.npz", kernel=np.zeros((1, 2), np.float32))
    path, output = tmp_path / "after.npz", tmp_path / "mixed.npz"
    if isinstance(after, bytes):
        path.write_bytes(after)
    elif after is not None:
        np.savez(path, allow_pickle=False, **after)
    assert main([str(tmp_path / "before.npz"), str(path), "--share", "0.5", f"--output={output}"]) == 1
    assert said in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.parametrize("share", ["-0.1", "1.1", "nan", "much"])
def test_refuses_shares_that_are_none(share: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["a.npz", "b.npz", f"--share={share}", f"--output={tmp_path / 'mixed.npz'}"])
    assert "--share" in capsys.readouterr().err
