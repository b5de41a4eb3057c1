"""`python -m upscale` as users run it: a process, with real images and the real engine."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, SAMPLES, encoded, opened, photograph
from fakes import patience
from in_process import upscale

from image_super_scaling import Result
from superscaling.format_name import FormatName
from superscaling.models import TABLE
from upscale.console import Console, Progress
from upscale.errors import Failed
from upscale.model_list import print_models
from upscale.output import SUFFIX, write_target
from upscale.run import OneByOne, Run
from upscale.tasks import Arguments, plan

TINY = photograph(24, 32)
COMMAND = [sys.executable, "-P", "-m", "upscale"]


def environ(**settings: str) -> dict[str, str]:
    home = os.environ.get("HOME", "/tmp")
    return {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": os.environ["PATH"],
        "HOME": home,
    } | settings


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images, one in a subfolder, and other files."""
    (tmp_path / "photos" / "more").mkdir(parents=True)
    (tmp_path / "photos" / "one.png").write_bytes(encoded(TINY))
    (tmp_path / "photos" / "two.JPG").write_bytes(encoded(TINY, "JPEG"))
    (tmp_path / "photos" / "more" / "three.gif").write_bytes(encoded(TINY, "WEBP"))
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    (tmp_path / "photos" / ".hidden.png").write_bytes(encoded(TINY))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Missing argument 'INPUT...'"),
        (["photos/one.png", "--quality", "0"], "0 is not in the range 1<=x<=100"),
        (["photos/one.png", "--metadata", "some"], "'some' is not one of 'keep', 'strip', 'colour'"),
        (["photos/one.png", "--quality", "²"], "'²' is not a valid integer"),
        (
            ["photos/one.png", "--format", "tga"],
            "'tga' is not one of jpeg, png, webp, tiff, bmp, gif, avif",
        ),
        (["photos/one.png", "--model", "nonesuch"], "--model 'nonesuch': unknown; known are noise-cancel-plain, "),
        (["photos/one.png", "--scale", "0"], "scale must be a number from 1 to 8, not 0"),
        (["photos/one.png", "--strength", "2"], "strength must be a number from 0 to 1, not 2"),
        (["photos/one.png", "--scale", "NaN"], 'scale must be a number from 1 to 8, not "NaN"'),
        (["photos/one.png", "--width", "0"], "width must be a whole number from 1 to 2147483647, not 0"),
        (["photos/one.png", "--width", "9", "--height", "9"], "'width' and 'height' together need 'fit': inside, "),
        (["photos/one.png", "--scale", "3", "--width", "9"], "'scale' can't be combined with 'width'"),
        (["photos/one.png", "--fit", "fill"], "'fit' needs 'width' or 'height'"),
        (["photos/one.png", "--fit", "some"], "'some' is not one of 'inside', 'cover', 'fill'"),
        (["photos/one.png", "--scale", "9", "--url", "http://localhost:1"], "scale must be a number from 1 to 8"),
        (["--models", "photos/one.png"], "--models takes no INPUT"),
        (["--models", "--url", "localhost:7777"], "is not an address such as http://localhost:7777"),
        (["photos/one.png", "--url", "localhost:7777"], "is not an address such as http://localhost:7777"),
        (["photos/one.png", "--url", "http://localhost:99999"], "Port out of range"),
        (["photos/one.png", "-o", "a.png", "--format", "webp"], "-o a.png contradicts --format webp"),
        (["photos", "-o", "photos/one.png"], "takes one image"),
        (["photos/one.png", "photos/two.JPG", "-o", "-"], "takes one image"),
        (["photos", "-o", "photos", "--force"], "is an input itself"),
        (["photos/one.png", "-o", "photos/one.png"], "would overwrite its input"),
        (["photos/one.png", "-o", "one.jxl"], "-o one.jxl: .jxl can't be written: name a file with one of .jpg, .png"),
        (["photos/one.png", "-o", "one.heic", "--format", "jpeg"], "-o one.heic: .heic can't be written"),
        (["photos", "more", "-o", "out"], "photos/one.png and more/one.png would both become out/one.png"),
        (["-", "photos"], "can't be combined with other inputs"),
        (["-", "-o", "photos"], "name a file, not a folder"),
    ],
)
def test_wrong_usage(folder: Path, words: list[str], message: str) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "one.png").write_bytes(encoded(TINY))
    before = tree(folder)
    result = upscale(folder, *words)
    assert result.returncode == 2
    assert message in result.stderr.decode()
    assert tree(folder) == before


def test_a_folder(folder: Path) -> None:
    """Results form the same tree; a bad file stops no other; what is not an image is skipped."""
    (folder / "photos" / "cut.png").write_bytes(encoded(TINY)[:-30])
    result = upscale(folder, "photos", "nonesuch.png", "-o", "photos/out")
    said = result.stderr.decode()
    assert result.returncode == 1, said
    assert tree(folder / "photos" / "out") == {"one.png", "two.JPG", "more/three.webp"}
    assert opened((folder / "photos/out/one.png").read_bytes()).size == (64, 48)
    assert opened((folder / "photos/out/more/three.webp").read_bytes()).format == "WEBP"
    assert "skipped in folders: not an image (1)" in said
    assert "3 done, 2 failed:" in said
    assert "  nonesuch.png: No such file or directory" in said
    assert "  photos/cut.png: the image is truncated or corrupt" in said


def test_a_folder_again(folder: Path) -> None:
    """What has a newer result is left alone; of what was changed since, the result is not replaced without a word."""
    assert upscale(folder, "photos", "-o", "out").returncode == 0
    (folder / "photos" / "four.png").write_bytes(encoded(TINY))
    first = (folder / "out" / "one.png").stat()
    again = upscale(folder, "photos", "-o", "out").stderr.decode()
    assert "skipped in folders: 3 that have newer results (--again does them anyway)" in again
    assert "photos/four.png -> out/four.png" in again
    assert (folder / "out" / "one.png").stat() == first
    done = upscale(folder, "photos", "-o", "out")
    assert (done.returncode, done.stderr.count(b"\n")) == (0, 2), done.stderr
    assert b"skipped in folders: 4 that have newer results" in done.stderr
    assert upscale(folder, "photos", "-o", "out", "--quiet").stderr == b""
    later = first.st_mtime_ns + 1
    os.utime(folder / "photos" / "one.png", ns=(later, later))
    changed = upscale(folder, "photos", "-o", "out")
    assert changed.returncode == 1
    assert b"photos/one.png: failed: out/one.png exists already: --force replaces it" in changed.stderr
    os.utime(folder / "photos" / "one.png", ns=(0, 0))
    for option in ("--again", "--force"):
        before = (folder / "out" / "one.png").stat().st_ino
        redone = upscale(folder, "photos", "-o", "out", option)
        assert redone.returncode == 0, redone.stderr
        assert (folder / "out" / "one.png").stat().st_ino != before


def test_a_file_that_is_named_is_never_skipped(folder: Path) -> None:
    assert upscale(folder, "photos/one.png").returncode == 0
    again = upscale(folder, "photos/one.png", "--again")
    assert again.returncode == 1
    assert b"exists already: --force replaces it" in again.stderr


@pytest.mark.parametrize("words", [(), ("--quiet",)])
def test_pictures_that_cannot_be_read_are_named(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "a.jxl").write_bytes(b"\xff\x0a" + bytes(50))
    (tmp_path / "notes.txt").write_text("no picture")
    done = upscale(tmp_path, ".", *words)
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "there are no images to enlarge: skipped in folders: JPEG XL, not supported (1), not an image (1)\n"
    )


def test_beside_the_input(folder: Path) -> None:
    """A pattern that no shell has expanded; existing files are only replaced with --force."""
    (folder / "photos" / "one-x2.png").write_text("mine")
    said = upscale(folder, "photos/*[eO].*", "--format", "png").stderr.decode()
    assert "photos/one.png: failed: photos/one-x2.png exists already" in said
    assert "photos/two.JPG" not in said  # "[eO]" is one letter before the dot
    assert (folder / "photos" / "one-x2.png").read_text() == "mine"
    result = upscale(folder, "photos/one.png", "--force", "photos/two.JPG")
    assert result.returncode == 0, result.stderr
    assert opened((folder / "photos/one-x2.png").read_bytes()).size == (64, 48)
    assert opened((folder / "photos/two-x2.JPG").read_bytes()).format == "JPEG"
    said = upscale(folder, "photos").stderr.decode()  # the results are no inputs of a second run
    assert "named *-x2.*, like results (2)" in said
    assert "one-x2-x2" not in said


@pytest.mark.parametrize(
    ("words", "name", "size"),
    [
        (["--scale", "3"], "two-x3.JPG", (96, 72)),
        (["--scale", "1.50"], "two-x1.5.JPG", (48, 36)),
        (["--width", "100"], "two-w100.JPG", (100, 75)),
        (["--height", "7", "--format", "png"], "two-h7.png", (9, 7)),
        (["--width", "50", "--height", "50", "--fit", "cover"], "two-w50h50-cover.JPG", (50, 50)),
        (["--width", "50", "--height", "50", "--fit", "fill"], "two-w50h50-fill.JPG", (50, 50)),
        (["--width", "40", "--height", "50", "--fit", "inside"], "two-w40h50.JPG", (40, 30)),
        (["--width", "40", "--fit", "cover"], "two-w40.JPG", (40, 30)),
    ],
)
def test_sizes(folder: Path, words: list[str], name: str, size: tuple[int, int]) -> None:
    """The size stands in the name; later runs leave such files alone."""
    result = upscale(folder, "photos/two.JPG", *words)
    assert result.returncode == 0, result.stderr
    assert f"{size[0]} x {size[1]} px" in result.stderr.decode()
    assert opened((folder / "photos" / name).read_bytes()).size == size
    again = upscale(folder, "photos", *words, settings={"UPSCALER_MAX_PIXELS": "1"})
    assert f"named *{name[3:-4]}.*, like results (1)" in again.stderr.decode()


def test_a_size_out_of_range_stops_no_other_image(folder: Path) -> None:
    (folder / "photos" / "large.png").write_bytes(encoded(photograph(40, 40)))
    result = upscale(folder, "photos/one.png", "photos/large.png", "--width", "300")
    assert result.returncode == 1
    said = result.stderr.decode()
    assert "photos/one.png: failed: a width of 300 px is more than 8 times the image's 32 px: ask for at most" in said
    assert opened((folder / "photos" / "large-w300.png").read_bytes()).size == (300, 300)


@pytest.mark.parametrize(
    "name",
    [
        "bmw-x9",
        "a-x",
        "x2",
        "a-w",
        "a-w2000x",
        "a-w20h",
        "a-800x600",
        "a-x2-b",
        "a-x1.",
        "w2",
        "a-w9h9-inside",
        "a-w9-fill",
    ],
)
def test_names_unlike_results(name: str) -> None:
    assert SUFFIX.search(name) is None


def test_a_model_by_its_name(tmp_path: Path) -> None:
    """Another network gives another result; the setting does not count."""
    results = []
    for words in ([], ["--model", "noise-cancel-small"]):
        done = upscale(tmp_path, "-", *words, stdin=encoded(TINY), settings={"UPSCALER_MODELS": "nonesuch"})
        assert done.returncode == 0, done.stderr
        results.append(done.stdout)
    assert opened(results[0]).size == opened(results[1]).size == (64, 48)
    assert results[0] != results[1]


def test_models_are_listed(tmp_path: Path) -> None:
    done = upscale(tmp_path, "--models", settings={"UPSCALER_MODEL": "psnr-small"})
    head, *rows = [re.split(" {2,}", line) for line in done.stdout.decode().splitlines()]
    assert (done.returncode, done.stderr, head) == (0, b"", ["name", "factor", "kind", "strength", "state", "licence"])
    assert rows[0][0] == "psnr-small (default)"
    assert ["noise-cancel-plain", "x2", "faithful", "ready", "Apache-2.0"] in rows
    assert [row[0] for row in rows[1:]] == [name for name in TABLE if name != "psnr-small"]
    wrong = upscale(tmp_path, "--models", settings={"UPSCALER_MODEL": "nonesuch"})
    assert (wrong.returncode, wrong.stdout) == (2, b"")
    assert wrong.stderr.startswith(b"upscale: UPSCALER_MODEL='nonesuch': unknown; known are ")


def test_what_each_model_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The factor is said even of models whose weights are not there."""
    monkeypatch.setenv("UPSCALER_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("UPSCALER_WEIGHTS_DIR", str(tmp_path))
    (tmp_path / TABLE["psnr-small"].file).touch()

    def listed() -> dict[str, list[str]]:
        assert print_models(None) == 0
        return {row[0]: row[1:4] for line in capsys.readouterr().out.splitlines() if (row := re.split(" {2,}", line))}

    rows = listed()
    assert rows["noise-cancel-plain (default)"] == ["x2", "faithful", "ready"]
    assert rows["psnr-large"] == ["x2", "faithful", "downloaded at first use"]
    assert rows["psnr-small"] == ["x2", "faithful", "converted at first use"]
    assert rows["realesrgan-x4plus"] == ["x4", "perceptual", "converted at first use"]
    monkeypatch.setattr("superscaling.models.store.package_directory", lambda package: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    rows = listed()
    assert rows["realesr-animevideov3-x3"] == ["x3", "line-art", "needs make weights"]
    assert rows["psnr-small"] == ["x2", "faithful", "needs requirements.txt"]


def test_a_files_time_is_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is done once before, such as a conversion, does not count."""
    now = 0.0

    class Slow:
        def get_ready(self) -> None:
            nonlocal now
            now += 1000

        def enlarge(self, image: bytes, options: Mapping[str, str], progress: Progress) -> Result:
            nonlocal now
            now += 7
            return Result(image, FormatName.PNG, 32, 24)

        def close(self) -> None: ...

    monkeypatch.setattr("upscale.run.time.monotonic", lambda: now)
    arguments = Arguments((str(folder / "photos" / "one.png"),), None, None, None, {}, False, None, 0, False)
    console = Console(quiet=False)
    assert Run(OneByOne(arguments, Slow(), console), console).run(plan(arguments)) == 0
    assert capsys.readouterr().err.endswith("32 x 24 px, 7.0 s\n")


def test_pixels_are_the_services(tmp_path: Path) -> None:
    import resources
    from message_protocol import UpscaleInput

    image = (SAMPLES / "grey-camera.png").read_bytes()
    answer = resources.upscale.main(UpscaleInput.from_bytes(image, {"format": "webp", "quality": "40"}), *patience())
    result = upscale(tmp_path, "-", "--format", "webp", "--quality", "40", stdin=image)
    assert result.returncode == 0, result.stderr
    assert result.stdout == answer.image
    exact = upscale(tmp_path, SAMPLES / "grey-camera.png", "-o", "larger.png")
    assert exact.returncode == 0, exact.stderr
    answer = resources.upscale.main(UpscaleInput.from_bytes(image, {}), *patience())
    np.testing.assert_array_equal(opened((tmp_path / "larger.png").read_bytes()), opened(answer.image))


def test_the_name_chooses_the_format(folder: Path) -> None:
    result = upscale(folder, "photos/one.png", "-o", "larger.webp", "--quality", "50")
    assert result.returncode == 0, result.stderr
    assert opened((folder / "larger.webp").read_bytes()).format == "WEBP"


def test_libvips_says_nothing(folder: Path) -> None:
    result = upscale(folder, "photos/one.png", "-o", "one.gif")
    assert result.returncode == 0, result.stderr
    assert b"VIPS" not in result.stderr


@pytest.mark.parametrize(
    ("name", "extension"),
    [("jpg", ".jpg"), ("JPEG", ".jpg"), ("tif", ".tif"), ("image/webp", ".webp"), ("PNG", ".png")],
)
def test_names_of_formats(folder: Path, name: str, extension: str) -> None:
    result = upscale(folder, "photos/one.png", "--format", name, "-o", "out/")
    assert result.returncode == 0, result.stderr
    assert tree(folder / "out") == {f"one{extension}"}


def test_quality_that_does_nothing_is_noted(folder: Path) -> None:
    result = upscale(folder, "photos/one.png", "--quality", "50")
    assert b"photos/one.png: note: 'quality' was ignored, as png has none\n" in result.stderr


def test_an_empty_input(folder: Path) -> None:
    """As from a variable of a shell script that is not set."""
    before = tree(folder)
    result = upscale(folder, "photos/one.png", "")
    assert (result.returncode, result.stderr.count(b"\n")) == (2, 1)
    assert b"an input is an empty text" in result.stderr
    assert tree(folder) == before


def test_an_interrupt_during_imports() -> None:
    """It becomes no error of the library that is being imported, and later interrupts are as before."""
    code = """
import signal, sys
from upscale.interrupts import ended_at_once
with ended_at_once():
    pass
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
with ended_at_once():
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt as exc:
        raise ImportError("initialization failed") from exc
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ(), capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, b"")


def test_odd_names(folder: Path) -> None:
    """A dash, bytes that are not UTF-8, an escape sequence, a link, and the input itself with --force."""
    names = [b"-dash.png", b"latin-\xe9.png", b"red\x1b[31m.png", b"archive.v2"]
    for name in names:
        (folder / os.fsdecode(name)).write_bytes(encoded(TINY))
    (folder / "link.png").symlink_to("photos/one.png")
    result = upscale(folder, "-o", "out/", "--", *names, "link.png")
    assert result.returncode == 0, result.stderr
    assert {os.fsencode(path.name) for path in (folder / "out").iterdir()} == {
        *names[:3],
        b"archive.v2.png",
        b"link.png",
    }
    assert b"\x1b" not in result.stderr
    assert b"latin-\\udce9.png" in result.stderr
    assert upscale(folder, "link.png", "-o", "link.png", "--force").returncode == 0
    assert (folder / "link.png").is_symlink()
    assert opened((folder / "photos/one.png").read_bytes()).size == (64, 48)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("nowhere/a.png", "there is no folder nowhere"),
        ("photos/notes.txt/a.png", "Not a directory"),
        ("photos/notes.txt/", "Not a directory"),
        ("/proc/a.png", ""),
        ("x" * 300, "File name too long"),
    ],
)
def test_outputs_that_cannot_be(folder: Path, output: str, message: str) -> None:
    before = tree(folder)
    result = upscale(folder, "photos/one.png", "-o", output)
    assert result.returncode == 1
    said = result.stderr.decode()
    assert said.startswith("photos/one.png: failed: ")
    assert message in said
    assert said.count("\n") == 1
    assert tree(folder) == before


@pytest.mark.parametrize(
    ("settings", "words", "status", "message"),
    [
        ({"UPSCALER_PRECISION": "int3"}, [], 2, "upscale: UPSCALER_PRECISION='int3': must be one of"),
        ({"UPSCALER_MODEL": "nonesuch"}, [], 1, "upscale: UPSCALER_MODEL='nonesuch': unknown"),
        ({"UPSCALER_SELF_ENSEMBLE": "3"}, [], 2, "upscale: UPSCALER_SELF_ENSEMBLE='3': must be one of 1, 2, 4, 8"),
        ({"UPSCALER_MAX_PIXELS": "700"}, [], 1, "(raise UPSCALER_MAX_PIXELS)"),
        (
            {"UPSCALER_WEIGHTS_URL": "http://127.0.0.1:1", "UPSCALER_CACHE_DIR": "cache"},
            ["--model", "psnr-small"],
            1,
            "upscale: the weights of psnr-small are not in",
        ),
    ],
)
def test_settings_hold(folder: Path, settings: dict[str, str], words: list[str], status: int, message: str) -> None:
    result = upscale(folder, "photos/one.png", *words, settings=settings)
    assert result.returncode == status
    assert message in result.stderr.decode()
    assert not (folder / "photos" / "one-x2.png").exists()


def test_a_full_disk(folder: Path) -> None:
    before = tree(folder)
    command = ["prlimit", "--fsize=100", *COMMAND, "photos/one.png"]
    result = subprocess.run(command, cwd=folder, env=environ(), capture_output=True, timeout=60)
    assert result.returncode == 1
    assert b"photos/one-x2.png: File too large" in result.stderr
    assert tree(folder) == before


def test_a_pipe_that_breaks(folder: Path) -> None:
    with open("/dev/full", "wb") as full:
        command = [*COMMAND, "photos/one.png", "-o", "-"]
        result = subprocess.run(command, cwd=folder, env=environ(), stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert result.returncode == 1
    assert result.stderr == b"photos/one.png: failed: standard output: No space left on device\n"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted(tmp_path: Path, number: signal.Signals, status: int) -> None:
    """Finished results stay; of the image in progress nothing is left."""
    (tmp_path / "small.png").write_bytes(encoded(TINY))
    (tmp_path / "large.png").write_bytes(encoded(photograph(2400, 2400)))
    command = [*COMMAND, "small.png", "large.png"]
    with subprocess.Popen(command, cwd=tmp_path, env=environ(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("small.png -> small-x2.png: 64 x 48 px")
        time.sleep(1)
        process.send_signal(number)
        said = process.stderr.read()
        assert process.wait(20) == status
    assert "Traceback" not in said
    if number == signal.SIGINT:
        assert said == "interrupted\n1 done, 0 failed, 1 left\n"
    assert tree(tmp_path) == {"small.png", "large.png", "small-x2.png"}


def test_on_a_terminal(folder: Path) -> None:
    """There are bars for the file and for all files; an image is not written to a terminal."""
    near, far = pty.openpty()
    termios.tcsetwinsize(far, (30, 100))
    with os.fdopen(near, "rb", buffering=0) as terminal, os.fdopen(far, "wb") as end:
        command = [*COMMAND, "photos", "-o", "out"]
        done = subprocess.run(command, cwd=folder, env=environ(), stderr=end, timeout=60)
        seen = terminal.read(60_000).decode()
        command = [*COMMAND, "photos/one.png", "-o", "-"]
        refused = subprocess.run(command, cwd=folder, env=environ(), stdout=end, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 0
    assert "photos/one.png: 100%" in seen
    assert "1/1 [" in seen
    assert "in total:" in seen
    assert re.search(r"[\r\n]3 done, 0 failed", seen), "the bars are gone, and the line begins at its beginning"
    assert refused.returncode == 2
    assert b"standard output is a terminal" in refused.stderr


def test_a_result_that_has_appeared_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not replaced, not even on a file system without links."""

    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    target = tmp_path / "result.png"
    target.write_text("mine")
    with pytest.raises(Failed, match="exists already"):
        write_target(target, b"new", replace=False)
    monkeypatch.setattr(os, "link", no_links)
    with pytest.raises(Failed, match="exists already"):
        write_target(target, b"new", replace=False)
    assert target.read_text() == "mine"
    write_target(tmp_path / "other.png", b"new", replace=False)
    assert (tmp_path / "other.png").read_bytes() == b"new"
    assert tree(tmp_path) == {"result.png", "other.png"}


def test_help_is_quick(tmp_path: Path) -> None:
    """It loads nothing that enlarging needs."""
    code = "import sys, runpy; sys.argv[1:] = ['--help']; runpy.run_module('upscale', run_name='__main__')"
    check = f"""
try:
    {code}
except SystemExit as exc:
    assert exc.code == 0
    print(sorted({{'openvino', 'pydantic', 'tensorflow', 'tqdm'}} & set(sys.modules)))
"""
    command = [sys.executable, "-P", "-c", check]
    said = subprocess.run(command, cwd=tmp_path, env=environ(), capture_output=True, text=True, check=True).stdout
    assert said.endswith("[]\n")
    assert f"Models: {', '.join(TABLE)}" in " ".join(said.split())
