"""The benchmark's own arithmetic and files; not its times."""

import io
import math
import statistics
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import bench, results
from benchmarks.contestants import Contestant, Times, take_turn, take_turn_on_new_sizes
from benchmarks.flops import flop_per_pixel
from benchmarks.growth import growth_per_thousand
from benchmarks.inputs import as_file, photograph
from benchmarks.load_pictures import differing_values
from benchmarks.measuring import Target
from benchmarks.network_report import write_report
from benchmarks.networks import ARCHITECTURES, DEFAULT, LARGEST
from benchmarks.results import COMPARED, HEAD, ISR, read_table, replace_section
from docs_pictures import speed_table
from evaluation.errors import MeasurementError
from superscaling.models import LARGE, LITE, Architecture

# Keras 3.15 hands TensorFlow's variables to numpy 2 in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TITLES = ("Machine", "One", "Two")


def test_a_section_is_replaced_and_the_others_stay() -> None:
    text = replace_section("", "Two", "old\n\n### details\n", TITLES)
    text = replace_section(text, "One", "first", TITLES)
    assert text == f"{HEAD}## One\n\nfirst\n\n## Two\n\nold\n\n### details\n"
    again = replace_section(text, "Two", "new", TITLES)
    assert again == f"{HEAD}## One\n\nfirst\n\n## Two\n\nnew\n"
    assert replace_section(again, "Two", "new", TITLES) == again
    assert "Two" not in replace_section(again, "One", "first", TITLES[:2]), "nothing writes it any more"


@pytest.mark.parametrize(
    "architecture", [LITE, Architecture(2, 3, 8, 16, 3, "ups"), Architecture(1, 1, 8, 8, 4, "shuffle")], ids=str
)
def test_flop_are_those_of_the_network_s_layers(architecture: Architecture) -> None:
    """Each weight of a kernel is used once in every place of its output."""
    from superscaling.engines.tensorflow import build_isr

    expected = 0
    for layer in build_isr(architecture).model.layers:
        if hasattr(layer, "kernel"):
            places = architecture.scale**2 if layer.name == "SR" else 1
            expected += 2 * math.prod(layer.kernel.shape) * places
    assert flop_per_pixel(architecture) == expected


def test_flop_of_noise_cancel() -> None:
    assert flop_per_pixel(LARGE) / 1e6 == pytest.approx(32.7, abs=0.05)  # million for a pixel, tera for a megapixel


def test_growth() -> None:
    rng = np.random.default_rng(0)
    samples = [(count, 300 + 0.004 * count + rng.normal()) for count in range(0, 2000, 10)]
    assert growth_per_thousand(samples) == pytest.approx(4, abs=0.5)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Target("x", 9.96, 10, "ms"), "- met: x: 9.96 ms (at most 10)"),
        (Target("x", 10.1, 10, "ms"), "- **missed**: x: 10.1 ms (at most 10)"),
        (Target("x", 2.2, 2.2, "times", at_least=True), "- met: x: 2.2 times (at least 2.2)"),
        (Target("x", 2.1, 2.2, "times", at_least=True), "- **missed**: x: 2.1 times (at least 2.2)"),
        (Target("x", 1234.5, 1200, "MB"), "- **missed**: x: 1234 MB (at most 1200)"),
        (Target("x", math.nan, 2, "times"), "- **missed**: x: nan times (at most 2)"),
    ],
)
def test_a_target_says_whether_it_is_met(target: Target, said: str) -> None:
    assert str(target) == said


def test_turns() -> None:
    """The first quick run on a size does not count; a new size is new every time, and even."""
    seen: list[tuple[int, int]] = []

    def seconds(height: int, width: int) -> float:
        seen.append((height, width))
        return 5.0 if seen.count((height, width)) == 1 else 0.5

    times = Times()
    take_turn(Contestant("n", "w", seconds), times, 100, 200, expected=0)
    assert set(times.known) == {0.5 / (100 * 200) * 1e6}
    seen.clear()
    take_turn_on_new_sizes(Contestant("n", "w", seconds), times, 100, 200)
    take_turn_on_new_sizes(Contestant("n", "w", seconds), times, 100, 200)
    assert len(seen) == len(set(seen)) == len(times.new) > 2
    assert all(height % 2 == width % 2 == 0 for height, width in seen)
    assert times.new[0] == pytest.approx(5e6 / math.prod(seen[0]))


def measured() -> str:
    """A report of invented times: ISR's are 10, and ours 10 divided by a known number."""
    compared = {}
    for network in ARCHITECTURES:
        for way, speed in ((ISR, 10.0), ("OpenVINO fp32", 5.0), ("OpenVINO bf16", 4.0)):
            compared[Contestant(network, way, lambda *_: 0)] = Times([speed, 99.0, speed], [speed * 1.1])
    for network, speed in (("realesr-general-x4v3", 12.0), ("Real-ESRGAN x2plus", 80.0)):
        compared[Contestant(network, "PyTorch fp32", lambda *_: 0)] = Times([2 * speed], [1.0])
        compared[Contestant(network, "PyTorch bf16", lambda *_: 0)] = Times([speed], [1.0])
    small = {each: Times([7.0]) for each in compared if each.network == DEFAULT}
    return write_report({(96, 96): small, COMPARED: compared}, {"fp32": 1e13, "bf16": 1e13})


def test_a_report_s_ratios() -> None:
    report = measured()
    assert f"| {LARGEST} | OpenVINO bf16 | - | 4 | 4.4 | 2.50 |" in report
    assert "- met: C6 D20, OpenVINO bf16, against ISR's C6 D20: 2.5 times faster (at least 2.2)" in report
    assert "- **missed**: the default model, OpenVINO bf16, against ISR's C6 D20: 2.5 times faster (at" in report
    assert "against realesr-general-x4v3, each in its fastest precision: 3 times faster (at least 4)" in report
    assert "against Real-ESRGAN x2plus, each in its fastest precision: 20 times faster (at least 15)" in report
    share = 100 * flop_per_pixel(LARGE) / 4 / 1e7  # 4 s for a megapixel, of 10 TFLOP in each
    assert f"- met: C6 D20 of the bf16 peak: {share:.3g} % (at least 80)" in report
    assert "int8" not in report, "this processor has none"


def test_the_table_of_speeds_is_made_of_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr(results, "ROOT", tmp_path)
    with pytest.raises(MeasurementError, match="has no table of 'Network time': measure it first"):
        read_table("Network time")
    results.RESULTS.write_text(replace_section("", "Network time", measured(), ["Network time"]))
    part = speed_table.describe(read_table("Network time"))
    assert f"| {LARGEST} | 5 | 4 | 10 |" in part
    assert "In the same run, Real-ESRGAN x2plus took 80 s per megapixel (PyTorch bf16)." in part
    text = f"before\n{speed_table.BEGIN}old\n{speed_table.END}\nafter\n"
    assert speed_table.replace_part(text, part) == text.replace("old\n", part)
    with pytest.raises(MeasurementError, match=r"models\.md has no <!-- speed"):
        speed_table.replace_part("nothing", part)
    document = speed_table.DOCUMENT.read_text()
    assert part in speed_table.replace_part(document, part), "it has a place for it"
    assert "](speed.png)" in part


def test_sent_pictures_are_distinct_and_compared_value_by_value() -> None:
    one, other = photograph(120, 90, seed=1), photograph(120, 90, seed=2)
    assert photograph(700, 1000).shape == (700, 1000, 3)
    assert differing_values(as_file(one, "PNG"), one) == 0
    assert differing_values(as_file(other, "PNG"), one) > statistics.mean(one.shape)
    assert differing_values(as_file(one[:, :80], "PNG"), one) == -1
    with Image.open(io.BytesIO(as_file(one))) as image:
        assert image.format == "JPEG"


def test_a_part_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main(["everything"])
    assert "there is no part everything" in capsys.readouterr().err
