"""`strength`: a model's results mixed with those of its milder sibling, as users ask for it."""

import base64
import io
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tifffile
from conftest import ROOT, Server, StartServer, encoded, free_port, opened, photograph, wait_for
from fakes import noise, patience
from in_process import upscale
from numpy.typing import NDArray
from PIL import Image
from test_metrics import figures
from test_stream import all_events, data_of

from message_protocol import UpscaleInput
from resource_upscale import ResourceUpscale
from superscaling.assembly import assemble
from superscaling.commands.convert import convert_into
from superscaling.commands.prepare import prepare
from superscaling.errors import ModelUnavailable
from superscaling.geometry import Cost
from superscaling.models import DESCRIPTION, MODELS, TABLE, Weights, read_model_files, weights_in, with_milder
from superscaling.models.files import read_milder
from superscaling.settings import Settings

CRISP, MILD = "crisp", "mild"
# Noise has neither flat nor smooth areas, which would not be the networks'.
SMALL = noise(40, 56)
IMAGE = encoded(SMALL)


def imported(cache: Path, source: str, name: str, milder: Any) -> None:
    """One of the project's models under another name, with a milder sibling."""
    target = cache / "imported" / name
    shutil.copytree(MODELS / source, target)
    description = json.loads((target / DESCRIPTION).read_text())
    (target / DESCRIPTION).write_text(json.dumps(description | {"name": name, "milder": milder}))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks, of which the first offers strength."""
    directory = tmp_path_factory.mktemp("cache")
    imported(directory, "noise-cancel-plain", CRISP, MILD)
    imported(directory, "noise-cancel-fast", MILD, None)
    return directory


@pytest.fixture(scope="module")
def both(start_server: StartServer, cache: Path) -> Server:
    """A service in which the sibling can be asked for, too; it is the default."""
    return start_server(UPSCALER_CACHE_DIR=str(cache), UPSCALER_MODEL=MILD, UPSCALER_MODELS=CRISP)


def sixteen_bits() -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, SMALL[:, :, 0].astype(np.uint16) * 257, metadata=None)
    return file.getvalue()


def animation() -> bytes:
    """Of its second frame, a part differs from the first."""
    frames = [Image.fromarray(SMALL), Image.fromarray(SMALL)]
    frames[1].paste(Image.fromarray(noise(20, 20, seed=1)), (10, 10))
    return encoded(frames[0], save_all=True, append_images=frames[1:], duration=50)


KINDS = {
    "RGB": IMAGE,
    "grey": encoded(SMALL[:, :, 0]),
    "transparent": encoded(np.dstack((SMALL, noise(40, 56, seed=2)[:, :, 0]))),
    "16 bits": sixteen_bits(),
    "CMYK": encoded(Image.fromarray(np.dstack((SMALL, SMALL[:, :, 1])), "CMYK"), "TIFF"),
    "animation": animation(),
}


def samples(answer: httpx.Response) -> NDArray[np.float64]:
    """All frames, in steps of 8 bits."""
    assert answer.status_code == 200, answer.text
    image = opened(answer.content)
    frames = []
    for index in range(getattr(image, "n_frames", 1)):
        image.seek(index)
        frames.append(np.asarray(image, float))
    return np.stack(frames) / (257 if "16" in image.mode else 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", ["1", "2", "3"])
def test_the_ends_are_the_two_models(both: Server, kind: str, scale: str) -> None:
    """To the byte, for all that an image can be, with one pass and with two."""
    image = KINDS[kind]
    crisp, mild = (both.upscale(image, model=name, scale=scale) for name in (CRISP, MILD))
    assert both.upscale(image, model=CRISP, scale=scale, strength="1").content == crisp.content
    assert both.upscale(image, model=CRISP, scale=scale, strength="0").content == mild.content
    assert crisp.content != mild.content


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strength", [0.25, 0.5])
def test_between_them_it_is_their_mean(both: Server, kind: str, strength: float) -> None:
    """Weighted; each of the three is rounded once. They are mixed before they are clamped."""
    image = KINDS[kind]
    options = {"model": MILD}, {"model": CRISP}, {"model": CRISP, "strength": str(strength)}
    mild, crisp, mixed = (samples(both.upscale(image, **each)) for each in options)
    compared = (np.minimum(mild, crisp) > 0) & (np.maximum(mild, crisp) < 255)
    if kind == "transparent":
        compared[..., 3] = False  # alpha stays within that of its neighbourhood
    distance = np.abs(mixed - (strength * crisp + (1 - strength) * mild))[compared]
    assert distance.max() <= 1.01
    for end in (crisp, mild):
        assert np.abs(mixed - end)[compared].mean() > 2 * distance.mean()


def test_second_passes_are_mixed_too(both: Server) -> None:
    """What is nearly one model's in all passes is nearly its result."""
    crisp, mild = (samples(both.upscale(IMAGE, model=name, scale="4")) for name in (CRISP, MILD))
    for strength, end in (("0.999", crisp), ("0.001", mild)):
        mixed = samples(both.upscale(IMAGE, model=CRISP, scale="4", strength=strength))
        assert 0 < np.abs(mixed - end).mean() < np.abs(crisp - mild).mean() / 10


def test_every_form_of_request_has_it(both: Server) -> None:
    """The answer is the same, and its header says the strength."""
    expected = both.upscale(IMAGE, model=CRISP, strength="0.5")
    assert re.fullmatch(rf"{CRISP} openvino \S+ strength 0.5", expected.headers["X-Upscaler-Model"])
    options = {"model": CRISP, "strength": 0.5}
    message = {"imageBase64": base64.b64encode(IMAGE).decode()} | options
    answers = [
        httpx.post(f"{both.url}{path}", headers={"Accept": "image/png"}, timeout=60, **request)
        for path in ("/upscale", "/v1/images/upscale")
        for request in ({"json": message}, {"files": {"file": IMAGE}, "data": options})
    ]
    for answer in answers:
        assert answer.content == expected.content
        assert answer.headers["X-Upscaler-Model"] == expected.headers["X-Upscaler-Model"]
    (result,) = data_of(all_events(both, IMAGE, model=CRISP, strength="0.5"), "result")
    assert base64.b64decode(result["imageBase64"]) == expected.content
    without = both.upscale(IMAGE, model=CRISP)
    assert "strength" not in without.headers["X-Upscaler-Model"]


def test_an_estimate_counts_both_networks(both: Server) -> None:
    def estimate(**options: str) -> dict[str, Any]:
        asked = {"width": "900", "height": "700", "model": CRISP}
        answer = httpx.get(f"{both.url}/estimate", params=asked | options)
        assert answer.status_code == 200
        described: dict[str, Any] = answer.json()
        return described

    crisp, mild, mixed = estimate(), estimate(model=MILD), estimate(strength="0.5")
    assert estimate(strength="0")["seconds"] == mild["seconds"]
    assert mixed["tiles"] >= max(crisp["tiles"], mild["tiles"])
    assert mixed["seconds"] == pytest.approx(crisp["seconds"] + mild["seconds"], rel=0.1)


def test_estimate_and_stream_agree(both: Server) -> None:
    asked = {"width": "400", "height": "100", "model": CRISP, "strength": "0.5"}
    events = all_events(both, encoded(photograph(100, 400)), model=CRISP, strength="0.5")
    (accepted,) = data_of(events, "accepted")
    estimated = httpx.get(f"{both.url}/estimate", params=asked).json()
    assert accepted["tiles"] == estimated["tiles"] == len(data_of(events, "progress")) > 1


def test_the_log_and_the_metrics(both: Server) -> None:
    """The log has the strength; the metrics have the model that was asked for, and no new label."""

    def logged(**options: str) -> list[str]:
        """The strength in the line on a request, which is written once everything is counted."""
        answer = both.upscale(IMAGE, model=CRISP, **options)
        assert answer.status_code == 200
        name = answer.headers["X-Request-ID"]
        assert wait_for(lambda: name in both.log.read_text())
        (line,) = (line for line in both.log.read_text().splitlines() if name in line)
        return re.findall(rf'model="{CRISP}" strength=(\S+)', line)

    assert logged() == []
    before = figures(both)
    assert logged(strength="0.75") == ["0.75"]
    assert logged(strength="0") == ["0.0"]
    after = figures(both)
    requests = f'upscaler_requests_total{{model="{CRISP}",status="200"}}'
    assert after[requests] == before.get(requests, 0) + 2
    tiles = f'upscaler_tiles_total{{model="{CRISP}"}}'
    assert after[tiles] == before[tiles] + 2
    assert {label for each in after for label in re.findall(r'\bmodel="(.*?)"[,}]', each)} <= {"", CRISP, MILD}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("0.500", "0.5"),
        (".5", "0.5"),
        ("5E-1", "0.5"),
        ("1e-3", "0.001"),
        ("0.12345", "0.123"),
        (f"0.{'3' * 60}", "0.333"),
        ("0.0004", "0"),
        ("5e-324", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0.9999999", None),
        ("1e0", None),
    ],
)
def test_how_a_strength_is_written(both: Server, written: str, shown: str | None) -> None:
    """In JSON, too, which demands a digit before the point. The header says what is done; None: that is strength 1."""
    message = f'{{"imageBase64": "{base64.b64encode(IMAGE).decode()}", "model": "{CRISP}", "strength": %s}}'
    for answer in (
        both.upscale(IMAGE, model=CRISP, strength=written),
        httpx.post(f"{both.url}/upscale", files={"image": IMAGE}, data={"model": CRISP, "strength": written}),
        httpx.get(f"{both.url}/estimate", params={"width": 9, "height": 9, "model": CRISP, "strength": written}),
        httpx.post(
            f"{both.url}/upscale",
            content=message % re.sub(r"^\.", "0.", written),
            headers={"Content-Type": "application/json"},
        ),
    ):
        assert answer.status_code == 200, answer.text
        strength = re.search(r"strength (\S+)", answer.headers["X-Upscaler-Model"])
        assert (strength and strength[1]) == shown


def test_an_empty_strength(both: Server) -> None:
    """A part that is not filled in, as browsers send it, is not given. (An empty parameter lacks its value: 400.)"""
    form = httpx.post(f"{both.url}/upscale", files={"image": IMAGE}, data={"model": CRISP, "strength": ""})
    assert form.content == both.upscale(IMAGE, model=CRISP).content


REFUSED = ["1.001", "-0.1", "2", "-1", "much", "NaN", "Infinity", "1e999", "1e-9999", "true", "0,5", "5.", "+1", "0x1"]


@pytest.mark.parametrize("strength", [*REFUSED, ""])
def test_what_is_no_strength(both: Server, strength: str) -> None:
    query = both.upscale(IMAGE, model=CRISP, strength=strength)
    form = httpx.post(f"{both.url}/upscale", files={"image": IMAGE}, data={"strength": strength or "?"})
    asked = {"width": "9", "height": "9", "strength": strength}
    for answer in (query, form, httpx.get(f"{both.url}/estimate", params=asked)):
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_message")
        assert answer.json()["detail"].startswith("strength must be a number from 0 to 1, not ")


@pytest.mark.parametrize("strength", ["1.001", "-1", "1e999", "-1e999", '"0.5"', "true", "[0.5]", "{}", '""'])
def test_what_is_no_strength_in_json(both: Server, strength: str) -> None:
    body = f'{{"imageBase64": "{base64.b64encode(IMAGE).decode()}", "strength": {strength}}}'
    answer = httpx.post(f"{both.url}/upscale", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_message")
    assert answer.json()["detail"].startswith("strength must be a number from 0 to 1, not ")


def test_a_model_without_strength(both: Server, server: Server) -> None:
    """422 before the image is decoded; it names a model that has it, if one is loaded. 1 is what such models have."""
    assert both.upscale(IMAGE, strength="1").content == both.upscale(IMAGE).content
    for serving, ending in ((both, f", or ask for the model {CRISP}, which has"), (server, "leave 'strength' out")):
        for answer in (
            serving.upscale(b"no image", strength="0.5"),
            httpx.get(f"{serving.url}/estimate", params={"width": 9, "height": 9, "strength": 0}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (422, "strength_not_offered")
            assert answer.json()["detail"].endswith(ending)


def test_the_list_of_models_says_which_have_it(both: Server) -> None:
    listed = httpx.get(f"{both.url}/models").json()
    assert {each["name"]: each["strength"] for each in listed} == {MILD: False, CRISP: True}


@pytest.mark.parametrize("url", [False, True], ids=["here", "by a service"])
def test_the_command_line(both: Server, cache: Path, tmp_path: Path, url: bool) -> None:
    (tmp_path / "in.png").write_bytes(IMAGE)
    words = ["in.png", "-o", "out.png", "--model", CRISP, "--strength", "0.5", *(["--url", both.url] if url else [])]
    done = upscale(tmp_path, *words, settings={"UPSCALER_CACHE_DIR": str(cache)})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").read_bytes() == both.upscale(IMAGE, model=CRISP, strength="0.5").content


@pytest.mark.parametrize("url", [False, True], ids=["here", "by a service"])
def test_the_command_line_and_a_model_without_strength(both: Server, tmp_path: Path, url: bool) -> None:
    """It ends at the first image: for the others it would be the same."""
    for name in ("one.png", "two.png"):
        (tmp_path / name).write_bytes(IMAGE)
    done = upscale(tmp_path, "one.png", "two.png", "--strength", "0.5", *(["--url", both.url] if url else []))
    assert done.returncode == 1
    assert done.stderr.decode().count("has no strength to choose: leave 'strength' out") == 1
    assert "2 left" in done.stderr.decode()
    other = f"ask for the model {CRISP}" if url else "choose --model noise-cancel-sharp"
    assert f", or {other}, which has" in " ".join(done.stderr.decode().split())


@pytest.fixture
def settings(cache: Path) -> Settings:
    return Settings(model=CRISP, cache_dir=cache, port=free_port())


def test_a_sibling_that_nobody_names_is_loaded_and_not_listed(settings: Settings, both: Server) -> None:
    prepare(settings)
    assembly = assemble(settings)
    try:
        (crisp,) = assembly.models
        crisp.warm_up()
        assert crisp.milder is not None
        assert crisp.owns_milder
        assert crisp.milder.seconds_for(Cost(1, 10**6)) > 0
        assert crisp.memory > 0
        service = ResourceUpscale(assembly.models, assembly.admission, assembly.limits, 92, assembly.decoders)
        for strength in ("0", "0.5"):
            answer = service.main(UpscaleInput.from_bytes(IMAGE, {"strength": strength}), *patience())
            assert answer.image == both.upscale(IMAGE, model=CRISP, strength=strength).content
    finally:
        assembly.decoders.close()


def test_a_named_sibling_is_loaded_once(settings: Settings) -> None:
    assembly = assemble(replace(settings, models=(MILD,)))
    try:
        crisp, mild = assembly.models
        assert (crisp.name, mild.name) == (CRISP, MILD)
        assert crisp.milder is mild.upscaler
        crisp.warm_up()
        assert mild.upscaler.seconds_for(Cost(1, 1)) == 0, "it is warmed up, and its memory counted, under its own name"
    finally:
        assembly.decoders.close()


@pytest.mark.parametrize(
    ("milder", "message"),
    [
        ("nonesuch", r"^odd needs nonesuch, its milder sibling: unknown; known are noise-cancel-"),
        ("noise-cancel", r"^odd needs noise-cancel, its milder sibling: converting noise-cancel"),
    ],
)
def test_a_sibling_that_is_missing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, milder: str, message: str
) -> None:
    """The start says which of the two is missing, before anything is downloaded."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    imported(tmp_path, "noise-cancel-fast", "odd", milder)
    with pytest.raises(ModelUnavailable, match=message):
        prepare(replace(settings, model="odd", cache_dir=tmp_path))


def test_siblings_enlarge_by_the_same_factor(settings: Settings, tmp_path: Path) -> None:
    imported(tmp_path, "noise-cancel-fast", "odd", "other")
    imported(tmp_path, "noise-cancel-fast", "other", None)
    description = tmp_path / "imported" / "other" / DESCRIPTION
    description.write_text(json.dumps(json.loads(description.read_text()) | {"scale": 3}))
    with pytest.raises(ModelUnavailable, match=r"^odd and other, its milder sibling, enlarge by other factors$"):
        prepare(replace(settings, model="odd", cache_dir=tmp_path))


@pytest.mark.parametrize(("milder", "shown"), [(5, "5"), (True, "true"), (["a"], '["a"]'), ("", '""'), ({}, "{}")])
def test_what_names_no_sibling(settings: Settings, tmp_path: Path, milder: Any, shown: str) -> None:
    imported(tmp_path, "noise-cancel-fast", "odd", milder)
    for read in (read_model_files, read_milder):
        with pytest.raises(ModelUnavailable) as refused:
            read(tmp_path / "imported" / "odd")
        assert str(refused.value).endswith(f"model.json: milder must be the name of a model or null, not {shown}")
    with pytest.raises(ModelUnavailable, match="milder must be the name of a model"):
        prepare(replace(settings, model="odd", cache_dir=tmp_path))


def test_a_baked_model_brings_its_sibling_along(cache: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "superscaling.commands.bake", f"--target={tmp_path}", CRISP, CRISP]
    environ = {"UPSCALER_CACHE_DIR": str(cache), "PATH": ""}
    subprocess.run(command, cwd=ROOT, env=environ, check=True, timeout=60)
    assert {path.name for path in tmp_path.iterdir()} == {CRISP, MILD}
    assert json.loads((tmp_path / CRISP / DESCRIPTION).read_text())["milder"] == MILD


def test_a_conversion_names_the_sibling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a row, which travels to another process."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)  # NNCF would take long
    chance = np.random.default_rng(0)
    shapes = {"head": (4, 3, 3, 3), "body.0": (4, 4, 3, 3), "tail": (12, 4, 3, 3), "skip": (12, 3, 5, 5)}
    arrays: dict[str, Any] = {}
    for name, shape in shapes.items():
        arrays[f"{name}.weight"] = chance.normal(0, 0.05, shape).astype(np.float32)
        arrays[f"{name}.bias"] = np.zeros(shape[0], np.float32)
    np.savez(tmp_path / "tiny.npz", **arrays)
    row = replace(weights_in(str(tmp_path / "tiny.npz")), milder=MILD)
    convert_into(Weights.from_json(row.to_json()), tmp_path / "tiny.npz", tmp_path / "tiny", overwrite=False)
    assert read_model_files(tmp_path / "tiny").milder == MILD


def test_the_projects_models_have_the_siblings_of_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for row in TABLE.values():
        if row.is_own:
            assert read_model_files(MODELS / row.name).milder == row.milder
    monkeypatch.setitem(TABLE, "psnr-small", replace(TABLE["psnr-small"], milder="psnr-large"))
    needed = with_milder(Settings(model="psnr-small", cache_dir=tmp_path))
    assert [each.model for each in needed] == ["psnr-small", "psnr-large"], "also of a model that is not converted yet"
