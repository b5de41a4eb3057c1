"""Results of any size: exact, or refused in plain words."""

import base64
import io
import json
import math
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import httpx
import hypothesis
import numpy as np
import pytest
import tifffile
from conftest import ROOT, Server, encoded, opened, photograph, psnr
from fakes import models_with, noise, patience, upscaler_with
from hypothesis import strategies
from numpy.typing import NDArray
from pictures import SENT, png_16
from PIL import Image
from test_picture_upscaler import disc, marked
from test_stream import all_events, data_of

from message_protocol import UpscaleInput, UpscaleOutput
from resource_upscale import ResourceUpscale
from superscaling.engines import Engine, Pixels, infer_levels
from superscaling.engines.openvino import EngineOpenVino
from superscaling.enlarging import Upscaler, correct
from superscaling.enlarging.corrections import limit
from superscaling.errors import ImageTooLarge, ModelDoesNotEnlarge, ResultTooLarge, SizeOutOfRange
from superscaling.geometry import Box, whole_box
from superscaling.isolation import InThisProcess
from superscaling.models import Kind, read_model_files
from superscaling.pictures import Limits, Size, reduce_plane
from superscaling.scheduling import Admission, FairLock, Plan, Timings

LIMITS = Limits(10**6, 10, 10**7, 10**6)


def service(upscaler: Upscaler, limits: Limits = LIMITS) -> ResourceUpscale:
    return ResourceUpscale(models_with(upscaler), Admission(10**9), limits, 90, InThisProcess())


FAKE = service(upscaler_with(tile=64))


@pytest.fixture(scope="module")
def engine() -> Engine:
    return EngineOpenVino(read_model_files(ROOT / "models" / "noise-cancel-plain"), "fp32", 2)


@pytest.fixture(scope="module")
def real(engine: Engine) -> Upscaler:
    """The default network."""
    return upscaler_of(engine, 128)


def upscaler_of(engine: Engine, tile: int) -> Upscaler:
    answer = read_model_files(ROOT / "models" / "noise-cancel-plain").known_answer("fp32")
    return Upscaler(engine, FairLock(), tile, answer)


def ask(resource: ResourceUpscale, image: bytes, **options: str) -> UpscaleOutput:
    return resource.main(UpscaleInput.from_bytes(image, options), *patience())


def result(resource: ResourceUpscale, image: bytes, **options: str) -> NDArray[Any]:
    return np.asarray(opened(ask(resource, image, **options).image))


def rounded(length: Decimal) -> int:
    return max(1, int(length.quantize(Decimal(1), ROUND_HALF_UP)))


def expected_size(width: int, height: int, options: Mapping[str, str]) -> tuple[int, int]:
    """Width and height, by the words of the interface."""
    if not {"width", "height"} & set(options):
        factor = Decimal(options.get("scale", "2"))
        return rounded(width * factor), rounded(height * factor)
    wanted = int(options.get("width", 10**9)), int(options.get("height", 10**9))
    if options.get("fit") in ("cover", "fill") and len({"width", "height"} & set(options)) == 2:
        return wanted
    if wanted[0] * height <= wanted[1] * width:  # the width decides
        return wanted[0], rounded(Decimal(wanted[0] * height) / width)
    return rounded(Decimal(wanted[1] * width) / height), wanted[1]


SIDE = strategies.integers(1, 300).map(str)
CHOICES: strategies.SearchStrategy[dict[str, str]] = strategies.one_of(
    strategies.just({}),
    strategies.decimals(1, 8, places=2).map(lambda scale: {"scale": str(scale)}),
    strategies.fixed_dictionaries({"width": SIDE}),
    strategies.fixed_dictionaries({"height": SIDE}),
    strategies.fixed_dictionaries(
        {"width": SIDE, "height": SIDE, "fit": strategies.sampled_from(["inside", "cover", "fill"])}
    ),
)


@hypothesis.settings(max_examples=150, deadline=None, derandomize=True)
@hypothesis.given(
    strategies.integers(1, 40), strategies.integers(1, 40), CHOICES, strategies.sampled_from(["RGB", "L", "RGBA"])
)
def test_any_size_is_exact_or_refused(width: int, height: int, options: dict[str, str], mode: str) -> None:
    image = encoded(Image.fromarray(photograph(height, width)).convert(mode))
    wanted = expected_size(width, height, options)
    try:
        output = ask(FAKE, image, **options)
    except SizeOutOfRange:
        assert wanted[0] > 8 * width or wanted[1] > 8 * height
        return
    assert wanted[0] <= 8 * width
    assert wanted[1] <= 8 * height
    assert wanted == (output.width, output.height) == opened(output.image).size


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"scale": "1.5"}, (30, 18)),
        ({"scale": "2.025"}, (41, 24)),  # 40.5 is rounded up
        ({"scale": "8"}, (160, 96)),
        ({"width": "50"}, (50, 30)),
        ({"height": "60"}, (100, 60)),
        ({"height": "1"}, (2, 1)),
        ({"width": "5"}, (5, 3)),
        ({"width": "50", "height": "20", "fit": "inside"}, (33, 20)),
        ({"width": "50", "height": "20", "fit": "cover"}, (50, 20)),
        ({"width": "50", "height": "20", "fit": "fill"}, (50, 20)),
        ({"width": "3", "height": "90", "fit": "fill"}, (3, 90)),
        ({"width": "160", "height": "9", "fit": "cover"}, (160, 9)),  # of 20 x 2 px, as a row alone is too little
    ],
    ids=str,
)
def test_sizes_through_http(server: Server, options: dict[str, str], size: tuple[int, int]) -> None:
    answer = server.upscale(encoded(photograph(12, 20)), **options)
    assert answer.status_code == 200, answer.text
    assert opened(answer.content).size == size
    assert (answer.headers["X-Result-Width"], answer.headers["X-Result-Height"]) == tuple(map(str, size))


WRONG = [
    ({"scale": "0"}, 400, "scale must be a number from 1 to 8"),
    ({"scale": "-1"}, 400, "scale must be a number from 1 to 8"),
    ({"scale": "0.99"}, 400, "scale must be a number from 1 to 8"),
    ({"scale": "8.01"}, 400, "scale must be a number from 1 to 8"),
    ({"scale": "9"}, 400, "scale must be a number from 1 to 8"),
    ({"scale": "big"}, 400, "scale must be a number from 1 to 8"),
    ({"scale": "NaN"}, 400, "scale must be a number from 1 to 8"),
    ({"scale": "true"}, 400, "scale must be a number from 1 to 8"),
    ({"width": "0"}, 400, "width must be a whole number from 1"),
    ({"width": "-5"}, 400, "width must be a whole number from 1"),
    ({"width": "10.5"}, 400, "width must be a whole number from 1"),
    ({"height": "0"}, 400, "height must be a whole number from 1"),
    ({"width": "20", "height": "20"}, 400, "together need 'fit'"),
    ({"scale": "2", "width": "20"}, 400, "'scale' can't be combined with 'width'"),
    ({"scale": "2", "fit": "cover"}, 400, "'scale' can't be combined with 'fit'"),
    ({"fit": "cover"}, 400, "'fit' needs 'width' or 'height'"),
    ({"width": "20", "height": "20", "fit": "stretch"}, 400, "fit must be inside, cover or fill"),
    ({"widht": "20"}, 400, "did you mean 'width'?"),
    ({"width": "161"}, 422, "a width of 161 px is more than 8 times the image's 20 px: ask for at most 160 px"),
    ({"width": str(10**9)}, 422, "more than 8 times"),
    ({"height": str(2**31 - 1)}, 422, "more than 8 times"),
    ({"height": str(2**31)}, 400, "height must be a whole number from 1 to 2147483647"),
    ({"width": "1" + 18 * "0"}, 400, "width must be a whole number from 1 to 2147483647, not 1000000000000000000"),
    ({"width": 100 * "9"}, 400, "width must be a whole number from 1 to 2147483647, not 999"),
    ({"scale": "1" + 18 * "0"}, 400, "scale must be a number from 1 to 8, not 1000000000000000000"),
    ({"width": "40", "height": "900", "fit": "cover"}, 422, "would have to be enlarged 75 times, and at most 8 are"),
    ({"width": "900", "height": "20", "fit": "fill"}, 422, "ask for at most 160 x 20 px"),
    ({"model": "../models/other"}, 422, "is not loaded; loaded are"),
]


@pytest.mark.parametrize("sent_as", ["query", "form", "json"])
@pytest.mark.parametrize(("options", "status", "detail"), WRONG, ids=str)
def test_wrong_sizes(server: Server, sent_as: str, options: dict[str, str], status: int, detail: str) -> None:
    image = encoded(photograph(12, 20))
    if sent_as == "query":
        answer = server.upscale(image, **options)
    elif sent_as == "form":
        answer = httpx.post(f"{server.url}/upscale", files={"image": image}, data=options, timeout=60)
    else:
        answer = httpx.post(
            f"{server.url}/upscale",
            content=_json({"imageBase64": base64.b64encode(image).decode(), **options}),
            headers={"Content-Type": "application/json"},
            timeout=60,
        )
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert detail in answer.json()["detail"]


def _json(message: Mapping[str, str]) -> str:
    """Numbers as numbers."""
    members = (
        f"{json.dumps(name)}: {value if value[-1:].isdigit() else json.dumps(value)}" for name, value in message.items()
    )
    return "{" + ", ".join(members) + "}"


@pytest.mark.parametrize(
    "number", ["1e400", "1e-9", "NaN", "Infinity", "[2]", '"2"', "2.0000001e9", "9" * 4200, "9" * 5000]
)
@pytest.mark.parametrize("name", ["scale", "width", "height"])
def test_wrong_numbers_in_json(server: Server, name: str, number: str) -> None:
    image = base64.b64encode(encoded(photograph(4, 4))).decode()
    answer = httpx.post(
        f"{server.url}/upscale",
        content=f'{{"imageBase64": "{image}", "{name}": {number}}}',
        headers={"Content-Type": "application/json"},
        timeout=60,
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_message")
    assert len(answer.json()["detail"]) < 300
    assert "actual" not in answer.json()


def test_a_result_that_is_too_large_is_refused_before_decoding(server: Server) -> None:
    problem = server.upscale(encoded(Image.new("L", (2001, 2000)))[:1000], scale="8").json()
    assert (problem["status"], problem["code"]) == (422, "result_too_large")
    assert (problem["limit"], problem["actual"]) == (256_000_000, 16_008 * 16_000)
    assert problem["setting"] == "UPSCALER_MAX_RESULT_PIXELS"
    assert "to make larger results" in problem["hint"]


def test_results_are_limited() -> None:
    """Before and after decoding: the limit counts all frames, the format's own limit the result's side."""
    with pytest.raises(ResultTooLarge, match="800 x 1600 px = 1280000 px; at most 1000000 px are made") as refused:
        ask(FAKE, encoded(photograph(200, 100)), scale="8")
    assert refused.value.setting == "max_result_pixels"
    pages = encoded(
        Image.fromarray(photograph(200, 100)), "TIFF", save_all=True, append_images=[Image.new("RGB", (100, 200))]
    )
    with pytest.raises(ResultTooLarge, match="in all frames or pages = 1280000 px"):
        ask(FAKE, pages, width="800", height="800", fit="fill")
    tight = service(upscaler_with(tile=64), Limits(10**6, 10, 10**5, 10**6))
    image = encoded(photograph(100, 100))
    for options, advice in (
        ({"scale": "8"}, "160000 px; at most 100000 px are accepted: ask for a smaller result"),
        ({"scale": "6", "format": "webp"}, "accepted for webp, .*: ask for another format or a smaller result"),
        ({"scale": "8", "format": "webp"}, "accepted for webp, .*: ask for a smaller result"),
    ):
        with pytest.raises(ImageTooLarge, match=f"takes, with its result, the memory of .*{advice}$"):
            ask(tight, image, **options)
    assert ask(tight, image, scale="6").width == 600
    assert ask(tight, image, scale="3", format="webp").width == 300
    with pytest.raises(ImageTooLarge, match=r"accepted for webp, .*: ask for another format$"):
        ask(tight, encoded(photograph(200, 200)), format="webp")


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"width": "60"}, (60, 120)),
        ({"height": "60"}, (30, 60)),
        ({"width": "160"}, (160, 320)),  # eight times the upright width
        ({"width": "60", "height": "20", "fit": "cover"}, (60, 20)),
    ],
)
def test_a_picture_on_its_side_is_measured_upright(options: dict[str, str], size: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = encoded(Image.fromarray(photograph(20, 40)), "JPEG", exif=exif)
    output = ask(FAKE, image, **options)
    assert (output.width, output.height) == opened(output.image).size == size
    with pytest.raises(SizeOutOfRange, match="160 px"):
        ask(FAKE, image, width="161")


def untiled(engine: Engine, pixels: Pixels, size: Size) -> NDArray[np.uint8]:
    """The network on the whole picture, pass by pass, and Pillow on the whole of that."""
    factor = max(most / side for side, most in zip(whole_box(pixels).size, size, strict=True))
    count = max(1, math.ceil(math.log2(factor)))
    for number in range(count):
        levels = infer_levels(engine, pixels)
        correct(levels, pixels, whole_box(pixels))
        if number:
            limit(levels, pixels, whole_box(pixels))
        if number < count - 1:
            pixels = levels.clip(0, 255).round().astype(np.uint8)
    planes = [reduce_plane(levels[:, :, channel], size) for channel in range(3)]
    reduced: NDArray[np.uint8] = np.dstack(planes).clip(0, 255).round().astype(np.uint8)
    return reduced


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((20, 70), (60, 210)),
        ((20, 70), (80, 280)),
        ((41, 81), (41, 81)),
        ((20, 60), (22, 131)),
        ((6, 50), (48, 400)),
        ((1, 90), (3, 270)),
    ],
    ids=str,
)
def test_parts_join_without_a_seam(engine: Engine, size: Size, wanted: Size) -> None:
    """As from the network on the whole picture, and from Pillow; a few values differ by a level, by rounding."""
    pixels = photograph(*size, seed=3)
    deadline, timings = patience()
    upscaler = upscaler_of(engine, 32)
    enlarged = upscaler.enlarge(pixels, deadline, timings, size=wanted)
    assert timings.tiles_done == upscaler.cost_of(*size, wanted).tiles > 1
    difference = np.abs(enlarged.astype(int) - untiled(engine, pixels, wanted))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-4


def test_edges_are_not_sharpened_twice(real: Upscaler) -> None:
    """A hard edge rings as in one pass, however many passes follow; a reduction adds a few levels of its own."""
    edge = np.full((40, 40, 3), 60, np.uint8)
    edge[:, 20:] = 190
    enlarged = {scale: real.enlarge(edge, *patience(), size=(40 * scale, 40 * scale)) for scale in (2, 3, 4, 8)}
    for scale, added in ((3, 6), (4, 0), (8, 0)):
        assert enlarged[scale].min() >= int(enlarged[2].min()) - added
        assert enlarged[scale].max() <= int(enlarged[2].max()) + added


@pytest.mark.parametrize("tile", [16, 33, 100])
@pytest.mark.parametrize(("scale", "wanted"), [(2, (123, 201)), (3, (123, 201)), (4, (269, 427)), (1, (41, 60))])
def test_parts_join_whatever_the_network(tile: int, scale: int, wanted: Size) -> None:
    pixels = noise(41, 60)
    factor = scale if scale == 1 else scale ** math.ceil(math.log(max(wanted[0] / 41, wanted[1] / 60), scale))
    whole = pixels.repeat(factor, axis=0).repeat(factor, axis=1).astype(np.float32)
    planes = [reduce_plane(whole[:, :, channel], wanted) for channel in range(3)]
    expected = np.dstack(planes).clip(0, 255).round()
    enlarged = upscaler_with(tile=tile, scale=scale).enlarge(pixels, *patience(), size=wanted)
    assert np.abs(enlarged - expected).max() <= 1
    assert (enlarged != expected).mean() < 1e-3


def test_parts_are_shown_at_their_place() -> None:
    """Each pixel of the result once; a tile that ends a part is told of after it."""
    told: list[Box | int] = []

    class Watching:
        def accepted(self, plan: Plan) -> None:
            raise AssertionError

        def begin_pass(self, frame: int | None) -> None:
            raise AssertionError

        def part_done(self, box: Box, pixels: Pixels) -> None:
            assert pixels.shape[:2] == box.size
            told.append(box)

        def tile_done(self, timings: Timings) -> None:
            told.append(timings.tiles_done)

    upscaler = upscaler_with(tile=32)
    upscaler.enlarge(photograph(90, 70), *patience(), Watching(), size=(270, 211))
    shown = np.zeros((270, 211), int)
    for each, following in zip(told, [*told[1:], None], strict=True):
        if isinstance(each, Box):
            shown[each.slices] += 1
            assert isinstance(following, int)
    assert (shown == 1).all()
    tiles = upscaler.cost_of(90, 70, (270, 211)).tiles
    assert [each for each in told if isinstance(each, int)] == list(range(1, tiles + 1))


@pytest.mark.parametrize("options", [{"scale": "3"}, {"scale": "1"}, {"scale": "1.3"}, {"width": "25"}], ids=str)
def test_alpha_has_no_rings_and_no_holes(real: Upscaler, options: dict[str, str]) -> None:
    """A disc of red; what is invisible has no colour to give away."""
    alpha = disc(60)
    colour = np.where(alpha[..., None] > 0, [220, 30, 40], [0, 0, 0]).astype(np.uint8)
    seen = result(service(real), encoded(np.dstack((colour, alpha))), **options)
    size = len(seen)
    distance = np.hypot(*((np.mgrid[:size, :size] + 0.5) / size * 60 - 30))
    assert (seen[:, :, 3][distance < 16] == 255).all()
    assert (seen[:, :, 3][distance > 25] == 0).all()
    assert np.abs(seen[:, :, :3].astype(int) - [220, 30, 40])[seen[:, :, 3] > 0].max() <= 5


def test_what_is_hardly_visible_has_the_colours_of_what_is(real: Upscaler) -> None:
    """Where a picture is reduced, pixels count as much as they are opaque."""
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[:, :20] = 200, 60, 60, 255
    pixels[:, 20:] = 0, 250, 0, 3
    seen = result(service(real), encoded(pixels), width="10")
    assert (seen[:, :4, :3].astype(int) - [200, 60, 60] == 0).all()
    edge = seen[:, 4:5, :3].astype(int)
    assert np.abs(edge - [200, 60, 60]).max() <= 25


@pytest.mark.parametrize("options", [{"scale": "3"}, {"scale": "1.5"}, {"width": "13"}], ids=str)
def test_sixteen_bits_keep_their_range(real: Upscaler, options: dict[str, str]) -> None:
    """Of 12 bits in 16, no result leaves the range, and it has as many levels as the picture in 8 bits can't have."""
    grey = photograph(40, 50)[:, :, :1].astype(np.uint16) * 16 + 1000
    answer = ask(service(real), png_16(grey), **options).image
    seen = np.asarray(opened(answer)).astype(int)
    assert grey.min() <= seen.min() < seen.max() <= grey.max()
    in_8_bits = result(service(real), encoded(photograph(40, 50)[:, :, 0]), **options)
    assert psnr((seen - 1000) / 16, in_8_bits.astype(float)) > 44
    assert len(np.unique(seen)) > 1.5 * len(np.unique(in_8_bits))


@pytest.mark.parametrize("options", [{"scale": "3"}, {"scale": "1"}, {"width": "30", "height": "30", "fit": "cover"}])
def test_grey_stays_grey_and_ink_stays_away(real: Upscaler, options: dict[str, str]) -> None:
    grey = photograph(30, 40).mean(axis=2).astype(np.uint8)
    as_grey = result(service(real), encoded(grey), **options)
    as_colour = result(service(real), encoded(np.dstack((grey, grey, grey))), **options)
    assert as_grey.ndim == 2
    assert (as_colour == as_grey[..., None]).all()
    inks = np.dstack((255 - photograph(30, 40), np.zeros((30, 40), np.uint8)))
    answer = ask(service(real), encoded(Image.fromarray(inks, "CMYK"), "TIFF"), **options).image
    cmyk = tifffile.imread(io.BytesIO(answer))
    assert cmyk.shape == (*as_grey.shape, 4)
    assert not cmyk[:, :, 3].any()
    light = result(service(real), encoded(photograph(30, 40)), **options)
    assert (255 - cmyk[:, :, :3] == light).all()


@pytest.mark.parametrize("options", [{"scale": "3"}, {"scale": "1.5"}, {"width": "50"}], ids=str)
def test_animations_reuse_what_stays(engine: Engine, options: dict[str, str]) -> None:
    """Each frame equals the one that is enlarged alone, except for a level at rounding boundaries."""
    first = photograph(10, 130)
    frames = [first, marked(first)]
    images = [Image.fromarray(frame) for frame in frames]
    animation = encoded(images[0], "PNG", save_all=True, append_images=images[1:], duration=[50, 70])
    resource = service(upscaler_of(engine, 64))
    alone, together = Timings(), Timings()
    for image, timings in ((encoded(first), alone), (animation, together)):
        output = resource.main(UpscaleInput.from_bytes(image, options), patience()[0], timings)
    assert alone.tiles_done < together.tiles_done == together.tiles < 2 * alone.tiles_done
    with Image.open(io.BytesIO(output.image)) as shown:
        for index, frame in enumerate(frames):
            shown.seek(index)
            seen = np.asarray(shown.convert("RGB")).astype(int)
            difference = np.abs(seen - result(resource, encoded(frame), **options))
            assert difference.max() <= 1
            assert (difference > 0).mean() < 1e-3


def test_pages_each_by_their_own_size() -> None:
    pages = [Image.fromarray(photograph(*size)) for size in ((20, 30), (24, 16))]
    tiff = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    for options, sizes in (
        ({"scale": "3"}, [(60, 90), (72, 48)]),
        ({"width": "45"}, [(30, 45), (68, 45)]),
        ({"width": "8", "height": "9", "fit": "cover"}, [(9, 8), (9, 8)]),
    ):
        with tifffile.TiffFile(io.BytesIO(ask(FAKE, tiff, **options).image)) as seen:
            assert [page.asarray().shape[:2] for page in seen.pages] == sizes


def test_cover_shows_the_middle(real: Upscaler) -> None:
    """As if the middle had been sent."""
    pixels = photograph(40, 90)
    seen = result(service(real), encoded(pixels), width="80", height="80", fit="cover")
    assert (seen == result(service(real), encoded(np.ascontiguousarray(pixels[:, 25:65])))).all()


def test_a_smaller_result_is_reduced_from_the_clean_picture(real: Upscaler) -> None:
    pixels = photograph(90, 120)
    clean = result(service(real), encoded(pixels), scale="1")
    seen = result(service(real), encoded(pixels), width="40")
    expected = np.asarray(Image.fromarray(clean).resize((40, 30), Image.Resampling.LANCZOS))
    assert np.abs(seen.astype(int) - expected).max() <= 1


def test_a_model_that_does_not_enlarge() -> None:
    cleaner = service(upscaler_with(scale=1))
    image = encoded(noise(12, 20))
    assert (result(cleaner, image) == opened(image)).all()
    assert result(cleaner, image, width="10").shape == (6, 10, 3)
    with pytest.raises(
        ModelDoesNotEnlarge, match="does not enlarge, and 40 x 24 px are more than the image's 20 x 12 px"
    ):
        ask(cleaner, image, scale="2")


@pytest.mark.parametrize("kind", [Kind.PERCEPTUAL, Kind.LINE_ART])
def test_other_kinds_of_models_have_their_way_except_with_grey(kind: Kind) -> None:
    """A flat tile is shown to them, too, and smooth areas are theirs; a grey picture stays grey."""
    shown: list[int] = []

    def tint(batch: NDArray[np.float32]) -> NDArray[np.float32] | None:
        if batch.shape[1:3] == (4, 4):
            return None  # the known answer
        shown.append(batch.size)
        return batch.repeat(2, axis=1).repeat(2, axis=2) + np.array([0.1, 0, 0], np.float32)

    upscaler = upscaler_with(tint, kind=kind)
    blue, grey = (np.full((9, 9, 3), levels, np.uint8) for levels in ((10, 20, 200), (90, 90, 90)))
    assert upscaler.enlarge(blue, *patience())[5, 5].tolist() == [36, 20, 200]  # 10 + 25.5, rounded to even
    assert len(shown) == 1
    enlarged = upscaler.enlarge(grey, *patience())
    assert len(np.unique(enlarged)) == 1
    assert len(shown) == 2


def test_every_kind_of_picture() -> None:
    choices: list[dict[str, str]] = [{"scale": "2.6"}, {"width": "7"}, {"width": "9", "height": "30", "fit": "cover"}]
    for number, sent in enumerate(SENT):
        options = choices[number % len(choices)]
        output = ask(FAKE, sent.data, **options, format="png")
        assert (output.width, output.height) == expected_size(20, 12, options), sent.name


@pytest.mark.parametrize(
    ("asked", "options"),
    [
        ({"scale": "3"}, {"scale": "3"}),
        (
            {"targetWidth": "100", "targetHeight": "90", "fit": "cover"},
            {"width": "100", "height": "90", "fit": "cover"},
        ),
        ({"targetHeight": "20"}, {"height": "20"}),
    ],
    ids=str,
)
def test_what_was_estimated_is_done_and_shown(server: Server, asked: dict[str, str], options: dict[str, str]) -> None:
    """Size and tiles of the estimate are those of the stream; its parts are the result, as far as JPEG allows."""
    question = {"width": "40", "height": "30", "format": "png", **asked}
    estimated = httpx.get(f"{server.url}/estimate", params=question).json()
    events = all_events(server, encoded(photograph(30, 40)), tiles="true", **options)
    accepted = events[0][1]
    assert [accepted[name] for name in ("width", "height", "tiles")] == [
        estimated[name] for name in ("width", "height", "tiles")
    ]
    progress = data_of(events, "progress")
    assert [each["done"] for each in progress] == list(range(1, accepted["tiles"] + 1))
    shown = np.asarray(opened(base64.b64decode(events[-1][1]["imageBase64"])))
    assert shown.shape[:2] == (accepted["height"], accepted["width"])
    preview = opened(base64.b64decode(events[1][1]["imageBase64"])).resize(shown.shape[1::-1])
    assert psnr(np.asarray(preview), shown) > 22
    joined = np.zeros_like(shown)
    for tile in data_of(events, "tile"):
        pixels = np.asarray(opened(base64.b64decode(tile["imageBase64"])))
        joined[tile["top"] :, tile["left"] :][: tile["height"], : tile["width"]] = pixels
    assert psnr(joined, shown) > 35 or options == {"height": "20"}
