"""ncnn models: read as ncnn itself reads them, or refused in one line."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, free_port, photograph
from ncnn_files import Planes, raw, run_ncnn, tagged, write_ncnn

from superscaling.conversion.from_ncnn import read_ncnn
from superscaling.engines.openvino import compile_network
from superscaling.errors import ModelUnavailable
from superscaling.models import TABLE, find_weights, package_directory

CHANCE = np.random.default_rng(0)
# Largest difference allowed, of a range from 0 to 1.
LIMIT = 1e-3
PACKAGED = [row.name for row in TABLE.values() if row.package]


@pytest.fixture(autouse=True)
def _own_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test draws the same numbers, whichever ran before it."""
    monkeypatch.setattr(sys.modules[__name__], "CHANCE", np.random.default_rng(1))


def values(*shape: int, spread: float = 0.3) -> Planes:
    return (spread * CHANCE.standard_normal(shape)).astype(np.float32)


def picture(height: int, width: int) -> Planes:
    """(3, height, width) in [0, 1]."""
    return np.moveaxis(photograph(height, width), 2, 0).astype(np.float32) / np.float32(255)


def run_ours(param: Path, planes: Planes) -> Planes:
    request = compile_network(read_ncnn(param), "f32", 1)
    request.infer({0: np.ascontiguousarray(np.moveaxis(planes, 0, 2))[np.newaxis]})
    return np.array(np.moveaxis(request.get_output_tensor(0).data[0], 2, 0))


def assert_same(param: Path, planes: Planes) -> None:
    ours, theirs = run_ours(param, planes), run_ncnn(param, planes)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < LIMIT
    assert np.ptp(theirs) > 0.01, "a constant would prove nothing"


def conv(outputs: int = 3, inputs: int = 3, kernel: int = 3) -> bytes:
    """Weights and bias of a convolution."""
    return tagged(values(outputs, inputs, kernel, kernel)) + raw(values(outputs))


# Real weights


@pytest.mark.parametrize("name", PACKAGED)
def test_real_weights(name: str) -> None:
    """Every model of the table that comes from a package, of which the hashes are verified."""
    row = TABLE[name]
    assert row.package
    directory = package_directory(row.package)
    assert directory, "requirements-models.txt is not installed"
    param = find_weights(row, [directory], "").with_suffix(".param")
    edge = 16 if row.bytes > 10_000_000 else 33
    assert_same(param, picture(edge, edge + 8))


# Kinds of layers: the lines after the input, and the weights that they read


LAYERS = {
    "Convolution": ("Convolution c 1 1 in out 0=3 1=3 4=1 5=1 6=81", conv()),
    "Convolution, not square": (
        "Convolution c 1 1 in out 0=3 1=5 11=3 4=2 14=1 6=135",
        tagged(values(3, 3, 3, 5)),
    ),
    "Convolution, unequal padding": (
        "Convolution c 1 1 in out 0=3 1=4 4=1 15=2 14=2 16=1 5=1 6=144",
        conv(kernel=4),
    ),
    "Convolution, dilated": ("Convolution c 1 1 in out 0=3 1=3 2=2 4=2 5=1 6=81", conv()),
    "Convolution, with steps": (
        "Convolution c 1 1 in a 0=12 1=3 3=2 4=1 5=1 6=324\nPixelShuffle p 1 1 a out 0=2",
        conv(outputs=12),
    ),
    "Convolution, same": ("Convolution c 1 1 in out 0=3 1=4 4=-233 5=1 6=144", conv(kernel=4)),
    "Convolution, same, rest first": ("Convolution c 1 1 in out 0=3 1=4 4=-234 5=1 6=144", conv(kernel=4)),
    "Convolution, ReLU": ("Convolution c 1 1 in out 0=3 1=3 4=1 5=1 6=81 9=1", conv()),
    "Convolution, LeakyReLU": ("Convolution c 1 1 in out 0=3 1=3 4=1 5=1 6=81 9=2 -23310=1,0.2", conv()),
    "Convolution, clip": ("Convolution c 1 1 in out 0=3 1=3 4=1 5=1 6=81 9=3 -23310=2,-0.1,0.2", conv()),
    "Convolution, sigmoid": ("Convolution c 1 1 in out 0=3 1=3 4=1 5=1 6=81 9=4", conv()),
    "Convolution, Mish": ("Convolution c 1 1 in out 0=3 1=3 4=1 5=1 6=81 9=5", conv()),
    "Convolution, HardSwish": ("Convolution c 1 1 in out 0=3 1=3 4=1 5=1 6=81 9=6 -23310=2,0.2,0.5", conv()),
    "Convolution, fp16": (
        "Convolution c 1 1 in out 0=3 1=3 4=1 6=81",
        (0x01306B47).to_bytes(4, "little") + values(81).astype("<f2").tobytes() + bytes(2),
    ),
    "Convolution, by a table": (
        "Convolution c 1 1 in out 0=3 1=3 4=1 6=81",
        bytes([1, 0, 0, 0]) + raw(values(256)) + CHANCE.integers(256, size=84, dtype=np.uint8).tobytes(),
    ),
    "ConvolutionDepthWise": (
        "ConvolutionDepthWise c 1 1 in out 0=3 1=3 4=1 5=1 6=27 7=3",
        tagged(values(27)) + raw(values(3)),
    ),
    "ConvolutionDepthWise, groups": (
        "Convolution c 1 1 in a 0=8 1=1 6=24\nConvolutionDepthWise d 1 1 a b 0=4 1=3 4=1 6=144 7=2\n"
        "Convolution e 1 1 b out 0=3 1=1 6=12",
        tagged(values(24)) + tagged(values(144)) + tagged(values(12)),
    ),
    "Deconvolution": ("Deconvolution d 1 1 in out 0=3 1=4 3=2 4=1 5=1 6=144", conv(kernel=4)),
    "Deconvolution, more at the end": (
        "Deconvolution d 1 1 in out 0=3 1=3 3=2 4=1 18=1 19=1 5=1 6=81 9=2 -23310=1,0.1",
        conv(),
    ),
    "PReLU": ("Convolution c 1 1 in a 0=3 1=1 6=9\nPReLU p 1 1 a out 0=3", tagged(values(9)) + raw(values(3))),
    "PReLU, one slope": (
        "Convolution c 1 1 in a 0=3 1=1 6=9\nPReLU p 1 1 a out 0=1",
        tagged(values(9)) + raw(values(1)),
    ),
    "BatchNorm": ("BatchNorm b 1 1 in out 0=3 1=0.001", raw(values(6)) + raw(np.abs(values(3)) + 1) + raw(values(3))),
    "Scale": ("Scale s 1 1 in out 0=3 1=1", raw(values(6))),
    "BinaryOp, a number": ("BinaryOp b 1 1 in out 0=1 1=1 2=0.25", b""),
    "BinaryOp, the other way": ("BinaryOp b 1 1 in out 0=7 1=1 2=0.25", b""),
    "BinaryOp, constants": ("MemoryData m 0 1 k 0=1 1=1 2=3\nBinaryOp b 2 1 in k out 0=2", raw(values(3))),
    "BinaryOp, one dimension": ("MemoryData m 0 1 k 0=3\nBinaryOp b 2 1 in k out 0=0", raw(values(3))),
    "Eltwise, product": ("Split s 1 2 in a b\nEltwise e 2 1 a b out 0=0", b""),
    "Eltwise, sum with factors": ("Split s 1 2 in a b\nEltwise e 2 1 a b out 0=1 -23301=2,0.2,-1.5", b""),
    "Eltwise, maximum": (
        "Split s 1 2 in a b\nBinaryOp r 1 1 a c 0=7 1=1 2=1.0\nEltwise e 2 1 b c out 0=2",
        b"",
    ),
    "Concat and Slice": (
        "Split s 1 2 in a b\nConcat c 2 1 a b d\nSlice f 1 3 d g h i -23300=3,1,2,-233\n"
        "Concat j 2 1 h g k\nEltwise e 2 1 k i out 0=1",
        b"",
    ),
    "Interp, nearest": ("Interp i 1 1 in out 0=1 1=3.0 2=3.0", b""),
    "Interp, linear": ("Interp i 1 1 in out 0=2 1=2.0 2=2.0", b""),
    "Interp, linear, corners": ("Interp i 1 1 in out 0=2 1=2.0 2=2.0 6=1", b""),
    "Interp, cubic": ("Interp i 1 1 in out 0=3 1=2.0 2=2.0", b""),
    "Interp, cubic, smaller": ("Interp i 1 1 in out 0=3 1=0.5 2=0.5", b""),
    "PixelShuffle, blocks": (
        "Convolution c 1 1 in a 0=12 1=1 6=36\nPixelShuffle p 1 1 a out 0=2 1=1",
        tagged(values(36)),
    ),
    "Reorg": ("Reorg r 1 1 in a 0=2\nPixelShuffle p 1 1 a out 0=2", b""),
    "Crop, by places": ("Crop c 1 1 in out -23309=2,2,3 -23310=2,-2,-1 -23311=2,1,2", b""),
    "Crop, by offsets": ("Crop c 1 1 in out 0=2 1=3 3=-233 4=-233 5=-233", b""),
    "Crop, to another": (
        "Split s 1 2 in a b\nConvolution v 1 1 a d 0=3 1=3 6=81\nSplit t 1 2 d g h\nCrop c 2 1 b g e 0=1 1=1\n"
        "Eltwise f 2 1 h e out 0=1",
        tagged(values(81)),
    ),
    "Padding, a value": ("Padding p 1 1 in out 0=1 1=2 2=3 3=4 4=0 5=0.5", b""),
    "Padding, the edge": ("Padding p 1 1 in out 0=1 1=2 2=3 3=4 4=1", b""),
    "Padding, mirrored": ("Padding p 1 1 in out 0=1 1=2 2=3 3=4 4=2", b""),
    "Pooling, largest": ("Pooling p 1 1 in out 0=0 1=2 2=2", b""),
    "Pooling, mean": ("Pooling p 1 1 in out 0=1 1=3 2=1 3=1 5=1", b""),
    "squeeze and excite": (
        "Split s 1 2 in a b\nPooling p 1 1 a c 0=1 4=1\nInnerProduct i 1 1 c d 0=8 1=1 2=24 9=1\n"
        "InnerProduct j 1 1 d e 0=3 1=1 2=24 9=4\nReshape r 1 1 e f 0=1 1=1 2=3\nBinaryOp m 2 1 b f out 0=2",
        tagged(values(24)) + raw(values(8)) + tagged(values(24)) + raw(values(3)),
    ),
    "Scale, by another": ("Split s 1 2 in a b\nPooling p 1 1 a c 0=1 4=1\nScale m 2 1 b c out 0=-233", b""),
    "Permute": ("Permute p 1 1 in a 0=1\nPermute q 1 1 a out 0=1", b""),
    "Permute, all axes": ("Permute p 1 1 in a 0=3\nPermute q 1 1 a out 0=4", b""),
    "GELU": ("GELU g 1 1 in out", b""),
    "GELU, fast": ("GELU g 1 1 in out 0=1", b""),
    "Clip": ("Clip c 1 1 in out 0=0.2 1=0.7", b""),
    "HardSwish": ("HardSwish h 1 1 in out", b""),
    "HardSigmoid": ("HardSigmoid h 1 1 in out 0=0.3 1=0.1", b""),
    "ELU": ("BinaryOp b 1 1 in a 0=1 1=1 2=0.5\nELU e 1 1 a out 0=0.7", b""),
    "LeakyReLU": ("BinaryOp b 1 1 in a 0=1 1=1 2=0.5\nReLU r 1 1 a out 0=0.1", b""),
    "ReLU": ("BinaryOp b 1 1 in a 0=1 1=1 2=0.5\nReLU r 1 1 a out", b""),
    "hints are ignored": ("Noop n 1 1 in a\nDropout d 1 1 a b\nSigmoid s 1 1 b out -23330=4,3,8,8,3", b""),
    **{kind: (f"{kind} x 1 1 in out", b"") for kind in ("Sigmoid", "Swish", "TanH", "Mish", "AbsVal")},
    **{
        f"BinaryOp {number}": (f"Split s 1 2 in a b\nTanH t 1 1 b c\nBinaryOp o 2 1 a c out 0={number}", b"")
        for number in (0, 1, 2, 4, 5)
    },
    **{
        f"BinaryOp {number}": (
            f"BinaryOp p 1 1 in q 1=1 2=0.5\nSplit s 1 2 q a b\nTanH t 1 1 b c\nBinaryOp o 2 1 a c out 0={number}",
            b"",
        )
        for number in (3, 6, 7, 8, 9)
    },
    **{
        f"UnaryOp {number}": (
            f"BinaryOp p 1 1 in a 0=0 1=1 2=0.01\nUnaryOp u 1 1 a b 0={number}\nBinaryOp q 1 1 b out 0=2 1=1 2=0.5",
            b"",
        )
        for number in (0, 1, 4, 5, 7, 8, 9, 10, 14, 16, 17)
    },
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer(name: str, tmp_path: Path) -> None:
    assert_same(write_ncnn(tmp_path, *LAYERS[name]), CHANCE.random((3, 10, 14), np.float32))


# What is refused

CONV = "Convolution c 1 1 in out 0=3 1=3 4=1 5=1 6=81"
GOOD = conv()


@pytest.mark.parametrize(
    ("layers", "weights", "message"),
    [
        (CONV, GOOD[:-100], "model.bin ends at byte 240, and its layers need more"),
        (CONV, b"", "model.bin ends at byte 0"),
        (CONV, GOOD + b"more", "model.bin has 4 bytes more than its layers use"),
        (CONV, (0x000D4B38).to_bytes(4, "little") + GOOD, "weights in int8: use the model in fp16 or fp32"),
        (f"{CONV} 8=1", GOOD, "int8 is not supported"),
        (
            "YoloV3 y 1 1 in out",
            b"",
            "layer 'y' ('YoloV3'): layers of this kind are not supported; these are: AbsVal, ",
        ),
        (f"{CONV} 29=1", GOOD, "parameter 29 is not supported"),
        ("Convolution c 1 1 in out 0=3 1=3 4=1 5=1 6=1073741824", GOOD, "weights don't fit an input with 3"),
        ("Convolution c 1 1 in out 0=3 1=3 4=1 5=1 6=99999999999", GOOD, "'99999999999' is no whole number"),
        ("Convolution c 1 1 in out 0=-3 1=3 4=1 6=81", GOOD, "parameter 0 is -3, and must be a whole number from 1"),
        ("Convolution c 1 1 in out 0=3 1=0 6=81", GOOD, "parameter 1 is 0"),
        ("Convolution c 1 1 in out 0=3 1=3 6=108", tagged(values(108)), "takes pictures with 4 channels; only"),
        ("Convolution c 1 1 in out 0=1 1=3 6=9", tagged(values(9)), "takes pictures with 1 channels; only"),
        ("Convolution c 1 1 in out 0=1 1=3 6=27", tagged(values(27)), "the network's result has 1 channels"),
        ("Convolution c 1 1 in out 0=4 1=3 6=108", tagged(values(108)), "the network's result has 4 channels"),
        ("Sigmoid s 1 1 nowhere out", b"", "takes the blob 'nowhere', which no layer before it makes"),
        ("Eltwise e 2 1 in loop a\nSigmoid s 1 1 a loop", b"", "takes the blob 'loop', which no layer before it"),
        ("Sigmoid s 1 1 in in", b"", "makes the blob 'in', which a layer before it has made"),
        ("Split s 1 2 in a b", b"", "the network has 2 results"),
        ("Input p 0 1 second", b"", "a network must have one input"),
        ("Sigmoid s 1 2 in a b", b"", "makes 2 blobs, and should make 1"),
        ("Sigmoid s 2 1 in in out", b"", "takes 2 blobs, and should take 1 to 1"),
        ("Sigmoid s one 1 in out", b"", "line 4: 'one' is no whole number from 0 to 1024"),
        ("Sigmoid s 1 -1 in out", b"", "line 4: '-1' is no whole number"),
        ("Sigmoid s 1 1025 in out", b"", "'1025' is no whole number from 0 to 1024"),
        ("Sigmoid s 1 1 in", b"", "the names of 2 blobs must follow"),
        (f"Sigmoid {'s' * 300} 1 1 in out", b"", "a name of up to 256 characters"),
        ("Clip c 1 1 in out 0=nan 1=1.0", b"", "'nan' is no whole number"),
        ("Clip c 1 1 in out 0=1e999 1=1.0", b"", "'1e999' is no number"),
        ("Clip c 1 1 in out 0=0.9 1=0.1", b"", "clips to the range from 0.9 to 0.1"),
        ("Clip c 1 1 in out x", b"", "'x' is no whole number"),
        ("Crop c 1 1 in out -23309=3,1,1", b"", "does not have the number of values that it claims"),
        ("Crop c 1 1 in out -23309=999999999,1", b"", "'999999999' is no whole number from 0 to 64"),
        ("Interp i 1 1 in out 0=1 1=1e9 2=1e9", b"", "resizes by 1e+09 and 1e+09"),
        (
            "\n".join(f"Interp i{n} 1 1 {f'b{n}' if n else 'in'} b{n + 1} 0=1 1=16.0 2=16.0" for n in range(4)),
            b"",
            "values of 64 x 64 px",
        ),
        ("Split s 1 2 in a b\nConcat c 2 1 a b d\nBinaryOp e 2 1 in d out", b"", "it does not fit what it takes"),
        ("PixelShuffle p 1 1 in out 0=2", b"", "it makes 2 x 2 px of 3 channels"),
        ("BinaryOp b 1 1 in out 0=99 1=1", b"", "operation 99 is not supported"),
        ("MemoryData m 0 1 k 0=1000 1=1000 2=1000\nBinaryOp b 2 1 in k out", b"", "ends at byte 0"),
        ("Reshape r 1 1 in out 0=-1", b"", "reshaping features of a picture is not supported"),
        ("Slice s 1 0 in -23300=0", b"", "it has 0 sizes for 0 blobs"),
        ("Slice s 1 2 in a b -23300=2,1.5,1.5", b"", "parameter 0 has the value 1.5, and must have whole numbers"),
        ("Slice s 1 2 in a b -23300=2,1e300,-1e300", b"", "parameter 0 has the value 1e+300, and must"),
        (
            "Crop c 1 1 in out -23309=1,0.5 -23310=1,2",
            b"",
            "parameter 9 has the value 0.5, and must have whole numbers",
        ),
        ("Permute p 1 1 in out 0=1e300", b"", "parameter 0 is 1e+300, and must be a whole number from 0 to 5"),
        ("Pooling p 1 1 in out 0=0 4=1", b"", "the network's result has one dimension, and must be a picture"),
    ],
)
def test_a_bad_model(layers: str, weights: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable) as refused:
        read_ncnn(write_ncnn(tmp_path, layers, weights))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "its first line is not 7767517"),
        (b"7767517", "the second line must be the numbers of layers and of blobs"),
        (b"7767517\n2 2\nInput p 0 1 in", "has 1 layers, and claims 2: it is cut off or damaged"),
        (b"7767517\n2 2\nInput p 0 1 in\nSigmoid", "line 4: a layer needs a kind, a name of up to 256 characters"),
        (b"7767517\n999999999 2\nInput p 0 1 in", "claims 999999999 layers; 1 to 5000 are read"),
        (b"7767517\n" + b"9" * 5000 + b" 2\n", "claims 99999999999999999999 layers"),
        (b"7767517\n-1 2\n", "the second line must be"),
        (b"\xdd\x85\x76\x00\xff\xfe", "is no text: only ncnn's text form of .param is read"),
        (b"7767517\n1 1\n" + bytes(5 << 20), "is larger than the 4194304 bytes that are read"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_a_bad_param(text: bytes, message: str, tmp_path: Path) -> None:
    param = tmp_path / "model.param"
    param.write_bytes(text)
    param.with_suffix(".bin").write_bytes(b"")
    with pytest.raises(ModelUnavailable, match=message):
        read_ncnn(param)


@pytest.mark.parametrize("damage", ["cut in half", "unknown layer", "no .bin"])
def test_a_bad_model_stops_the_start(damage: str, tmp_path: Path) -> None:
    """One line on stderr, no traceback, nothing in the cache; the file is named by its path."""
    param = write_ncnn(tmp_path, CONV.replace("Convolution", "Nonesuch") if damage == "unknown layer" else CONV, GOOD)
    expected = "layer 'c' ('Nonesuch'): layers of this kind are not supported"
    if damage == "cut in half":
        param.with_suffix(".bin").write_bytes(GOOD[: len(GOOD) // 2])
        expected = "model.bin ends at byte 170"
    if damage == "no .bin":
        param.with_suffix(".bin").unlink()
        expected = "model.bin is not beside it: an ncnn model is a .param and a .bin"
    environ = {"UPSCALER_MODEL": str(param), "UPSCALER_CACHE_DIR": str(tmp_path / "cache"), "PORT": str(free_port())}
    command = [sys.executable, "-m", "superscaling.commands.prepare"]
    result = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=100)
    assert result.returncode == 1
    assert result.stderr.startswith("image-super-scaling can't start: ")
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").iterdir())
