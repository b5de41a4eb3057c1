"""The benchmark's own arithmetic and files; not its times."""

import dataclasses
import io
import math
import statistics
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
from conftest import ROOT, Server
from PIL import Image

from benchmarks import bench, comics, peer_process, results, scale
from benchmarks.comic_pages import draw_page
from benchmarks.contestants import Contestant, Times, take_turn, take_turn_on_new_sizes
from benchmarks.fleet import Run, coarser
from benchmarks.growth import growth_per_thousand
from benchmarks.inputs import as_file, photograph
from benchmarks.isr_networks import C6_D20
from benchmarks.load_pictures import differing_values
from benchmarks.measuring import Target
from benchmarks.network_report import write_report
from benchmarks.networks import ANIME_VIDEO, DEFAULT, OWN, X4PLUS, Network
from benchmarks.results import COMPARED, HEAD, ISR, read_table, replace_section
from docs_pictures import speed_plot, speed_table
from evaluation.errors import MeasurementError
from jobs.records import Block, Plan
from superscaling.conversion.from_ncnn import read_ncnn
from superscaling.conversion.ir import save_ir
from superscaling.models import IR, Kind, ModelFiles, weight_file_of
from superscaling.settings import Settings

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
    """The first quick run on a size does not count; a new size is new every time."""
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
    assert times.new[0] == pytest.approx(5e6 / math.prod(seen[0]))


def network(name: str, tera: float, served: str | None = None, scale: int = 2, directory: Path = Path()) -> Network:
    """`tera`: TFLOP per megapixel."""
    work = round(tera * 1e6 / 2)
    files = ModelFiles(name, directory, scale, 0, Kind.FAITHFUL, "", "", {}, {}, work=work)
    return Network(files, ("fp32", "bf16"), served)


NETWORKS = {
    **{name: network(name, 1.0, "bf16") for name in OWN},
    C6_D20: network(C6_D20, 30.0),
    ANIME_VIDEO: network(ANIME_VIDEO, 1.2, "bf16"),
    X4PLUS: network(X4PLUS, 36.0, "bf16", scale=4),
}


def measured() -> str:
    """A report of invented times."""
    compared = {}
    for name, ways in {
        DEFAULT: {"OpenVINO fp32": 1.0, "OpenVINO bf16": 0.5},
        C6_D20: {ISR: 100.0, "OpenVINO fp32": 50.0, "OpenVINO bf16": 40.0},
        ANIME_VIDEO: {"OpenVINO bf16": 1.0, "PyTorch fp32": 3.0, "PyTorch bf16": 1.5, "ncnn": 2.5},
        X4PLUS: {"PyTorch bf16": 90.0, "ncnn": 80.0},
    }.items():
        for way, speed in ways.items():
            new = [speed * 1.1] if name == DEFAULT else []
            compared[Contestant(name, way, lambda *_: 0)] = Times([speed, 999.0, speed], new)
    small = {each: Times([7.0]) for each in compared if each.network == DEFAULT}
    return write_report({(96, 96): small, COMPARED: compared}, NETWORKS, {"fp32": 1e12, "bf16": 1e12})


def test_a_report_s_ratios() -> None:
    report = measured()
    assert f"| {DEFAULT} | x2 | 1 | OpenVINO fp32 |  | 2 | 100 % | 7 | 1 |" in report
    assert f"| {DEFAULT} | x2 | 1 | OpenVINO bf16 | yes | 1 | 200 % | 7 | 0.5 |" in report
    assert f"| {C6_D20} | x2 | 30 | {ISR} |  | 200 | 30 % | - | 100 |" in report
    assert f"| {X4PLUS} | x4 | 36 | ncnn |  | 160 | 45 % | - | 80 |" in report
    assert "- met: C6 D20, OpenVINO bf16, against ISR's C6 D20: 2.5 times faster (at least 2.2)" in report
    assert "- met: the default model, OpenVINO bf16, against ISR's C6 D20: 200 times faster (at" in report
    assert f"- **missed**: the default model against {ANIME_VIDEO} in the fastest of its own runtimes: 3 " in report
    assert f"- met: the default model against {X4PLUS} in the fastest of its own runtimes: 160 times" in report
    assert "- **missed**: C6 D20 of the bf16 peak: 75 % (at least 80)" in report
    assert "- met: the default model of the bf16 peak: 200 % (at least 80)" in report
    assert f"- met: a new size, slowest of 2: {DEFAULT}, OpenVINO fp32: 1.1 times the time" in report
    assert "OpenVINO int8" not in report, "this processor has none"


def test_the_table_of_speeds_is_made_of_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr(results, "ROOT", tmp_path)
    with pytest.raises(MeasurementError, match="has no table of 'Network time': measure it first"):
        read_table("Network time")
    results.RESULTS.write_text(replace_section("", "Network time", measured(), ["Network time"]))
    part = speed_table.describe(read_table("Network time"))
    assert f"| {DEFAULT} | 1 | **0.5** | - |" in part
    assert f"| {C6_D20} | 50 | 40 | {ISR}: 100 |" in part
    assert f"| {X4PLUS} | - | - | PyTorch bf16: 90, ncnn: 80 |" in part
    fastest = [(row["network"], row["run by"]) for row in speed_plot.fastest(read_table("Network time"))]
    assert fastest[:3] == [(DEFAULT, "OpenVINO bf16"), (ANIME_VIDEO, "OpenVINO bf16"), (ANIME_VIDEO, "PyTorch bf16")]
    assert len(fastest) == len(set(fastest)) == 8
    text = f"before\n{speed_table.BEGIN}old\n{speed_table.END}\nafter\n"
    assert speed_table.replace_part(text, part) == text.replace("old\n", part)
    with pytest.raises(MeasurementError, match=r"models\.md has no <!-- speed"):
        speed_table.replace_part("nothing", part)
    document = speed_table.DOCUMENT.read_text()
    assert part in speed_table.replace_part(document, part), "it has a place for it"
    assert "](speed.png)" in part


def test_other_runtimes_must_make_our_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ncnn, with real weights; PyTorch is not installed here."""
    monkeypatch.setattr(peer_process, "require", lambda command: None)
    monkeypatch.setattr(peer_process, "RUNTIMES", ((sys.executable, "benchmarks.ncnn_peer"),))
    monkeypatch.setattr(peer_process, "REAL_ESRGAN", (ANIME_VIDEO,))
    param = weight_file_of(Settings(model=ANIME_VIDEO)).with_suffix(".param")
    save_ir(read_ncnn(param), tmp_path / IR, None)
    same = network(ANIME_VIDEO, 1.2, directory=tmp_path)
    with peer_process.running_peers({ANIME_VIDEO: same}) as (contestant,):
        assert contestant.name == f"{ANIME_VIDEO} ncnn"
        assert 0 < contestant.seconds(16, 24) < 60
    other = network(ANIME_VIDEO, 1.2, directory=ROOT / "models" / OWN[0])
    with (
        pytest.raises(MeasurementError, match=f"{ANIME_VIDEO}: the picture of ncnn differs from ours by"),
        peer_process.running_peers({ANIME_VIDEO: other}),
    ):
        pass


def test_measuring_memory_loads_no_framework_but_ours() -> None:
    """A process that measures a network's memory imports this module."""
    check = "import sys, benchmarks.memory; print(*({'tensorflow', 'keras', 'nncf', 'torch'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_sent_pictures_are_distinct_and_compared_value_by_value() -> None:
    one, other = photograph(120, 90, seed=1), photograph(120, 90, seed=2)
    assert photograph(700, 1000).shape == (700, 1000, 3)
    assert differing_values(as_file(one, "PNG"), one) == 0
    assert differing_values(as_file(other, "PNG"), one) > statistics.mean(one.shape)
    assert differing_values(as_file(one[:, :80], "PNG"), one) == -1
    with Image.open(io.BytesIO(as_file(one))) as image:
        assert image.format == "JPEG"


def test_a_chapter_of_a_comic(server: Server, small_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that came back as they were would make fast chapters."""
    page = draw_page(0)
    assert page.shape == (1200, 800, 3)
    np.testing.assert_array_equal(page, draw_page(0))
    assert (page != draw_page(1)).mean() > 0.1
    assert 0.02 < (page < 128).mean() < 0.9, "neither paper nor ink alone"
    file = as_file(page[:200, :300])
    for each, is_enlarged in ((server, True), (small_server, False)):
        with httpx.Client(base_url=each.url, timeout=60) as client:
            if is_enlarged:
                assert comics._read_page(client, DEFAULT, file) > 0
            else:
                with pytest.raises(MeasurementError, match=r"not enlarged: the image is unchanged: .* 60000 px"):
                    comics._read_page(client, DEFAULT, file)
    monkeypatch.setattr(comics, "PAGES", 3)
    monkeypatch.setattr(comics, "MODELS", OWN[:1])
    monkeypatch.setattr(comics, "draw_page", lambda number: draw_page(number)[:200, :300])
    text = comics.measure()
    for way in ("one after the other", "2 at once"):
        (row,) = (line for line in text.splitlines() if line.startswith("|") and way in line)
        page_seconds, slowest, chapter, bare, ratio = map(float, row.strip("| ").split(" | ")[3:])
        assert 0 < page_seconds <= slowest <= chapter
        assert ratio == pytest.approx(chapter / bare, rel=0.2)
    assert text.count(f"slowest page by {OWN[0]}") == 2


def test_a_part_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main(["everything"])
    assert "there is no part everything" in capsys.readouterr().err


def run_of(total: float, blocks: int) -> Run:
    """A job of one worker: 2 s for all but its blocks, each of which takes 0.5 s."""
    return Run(total, 1, 0.25, 0.5, 0.25, [0.5] * blocks, [0.4] * blocks, 0.5 * blocks, 0.25, 0.75)


def test_the_model_of_jobs() -> None:
    one = run_of(12, 20)
    assert [scale._predict(one, number) for number in (1, 2, 3, 20, 100)] == [12, 7, 5.5, 2.5, 2.5]
    assert scale._workers_at(one, 0.9) == 1
    assert scale._workers_at(one, 0.61) == 4
    report = scale._report({1: one, 2: run_of(8, 20)}, (30, 40))
    assert "| 2 | 8.00 s | 1.50 | 0.75 |" in report
    assert "40 x 30 px, 20 blocks" in report
    assert "faster than 2.50 s" in report


def test_what_a_block_costs() -> None:
    """0.1 s each: of 20 blocks, 2 s are not the network, and 0.5 s of 5, though the network itself takes longer."""
    few = dataclasses.replace(run_of(10, 5), phase=10, inferred=[1.9] * 5)
    report = scale._overhead([(run_of(12, 20), few)])
    assert "| each further block, without the network | 100 ms (100 to 100) |" in report
    assert "in a block of 15 s | 0.67 % |" in report
    assert "as in a request | 5.0 % |" in report
    assert "- met: coordination" in report
    noise = dataclasses.replace(few, phase=12)
    assert "- **missed**: coordination" in scale._overhead([(run_of(12, 20), noise)])


def test_blocks_in_one() -> None:
    plan = Plan(0.0, tuple(Block(2 * n, 2 * n + 2, n) for n in range(5)), 3, 9.0)
    assert coarser(plan, 2).blocks == (Block(0, 4, 1), Block(4, 8, 5), Block(8, 10, 4))
    assert coarser(plan, 2).tiles == plan.tiles
