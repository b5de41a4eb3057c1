"""What a restoring network learns from: each degradation does what it says, and all of them leave pictures in place."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import photograph
from PIL import Image
from torch import Tensor

from training import train
from training.crops import Batches, cell_edge
from training.degradation import Degradation, Degrade, edge_of_original
from training.jpeg import Jpeg
from training.noise import chroma_noise, sensor_noise
from training.optics import KERNEL, blur, blur_kernels, resampling
from training.restoration import Restoration, Stage, Worsen
from training.webp import WebpLike

CPU = torch.device("cpu")
EDGE = 48  # px of small pictures
NOTHING = Stage(0, (0.3, 1), 0, 0, 0, 0, 0, 0, (30, 80, 96))
JPEG = Jpeg()


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(7)


def pictures(n: int, edge: int, coarse: int = 8) -> Tensor:
    """Textures in soft colours, without anything finer than about `coarse` px."""
    noise = torch.rand(n, 3, edge // coarse + 2, edge // coarse + 2)
    noise = noise + 2 * noise[:, :1]
    enlarged = torch.nn.functional.interpolate(noise, size=(edge, edge), mode="bicubic")
    return (20 + 70 * enlarged).clamp(0, 255).round()


def luma_and_chroma(pixels: Tensor) -> tuple[Tensor, Tensor]:
    ycc = torch.einsum("kc,nchw->nkhw", JPEG.to_ycc, pixels)
    return ycc[:, :1], ycc[:, 1:]


def psnr(one: Tensor, other: Tensor) -> Tensor:
    """In dB, of each picture."""
    return 10 * torch.log10(255**2 / ((one - other) ** 2).mean((1, 2, 3)).clamp(min=1e-3))


# Blur


def test_kernels_have_the_deviation_that_they_should() -> None:
    kernels = blur_kernels(8, (1.0, 2.0), CPU)
    assert kernels.shape == (8, KERNEL, KERNEL)
    torch.testing.assert_close(kernels.sum((1, 2)), torch.ones(8))
    assert kernels.min() >= 0
    place = torch.arange(KERNEL) - KERNEL // 2
    for each in kernels:
        assert abs((each.sum(0) * place).sum()) < 1e-4, "a blur moves nothing"
        widest = (
            torch.linalg.eigvalsh(
                torch.cov(
                    torch.stack(torch.meshgrid(place, place, indexing="ij")).flatten(1),
                    aweights=each.flatten(),
                    correction=0,
                )
            )
            .max()
            .sqrt()
        )
        assert 0.95 < widest < 2.1


def test_every_second_kernel_is_stretched_and_every_fourth_a_disc() -> None:
    kernels = blur_kernels(40, (1.5, 1.5), CPU)
    turned = kernels.transpose(1, 2).flip(1)  # by a quarter
    differences = (kernels - turned).abs().amax((1, 2))
    assert differences[::2].max() < 1e-5, "round"
    assert (differences[1::2] > 1e-3).float().mean() > 0.7, "stretched"
    corner = kernels[:, KERNEL // 2 + 4, KERNEL // 2]  # 4 px are beyond the radius of 3 px
    assert corner[::4].max() == 0 < corner[2::4].min()


def test_blur_takes_the_fine_and_leaves_the_flat() -> None:
    fine = torch.randint(0, 256, (4, 3, 40, 40)).float()
    kernels = blur_kernels(4, (1.0, 2.0), CPU)
    assert (blur(fine, kernels).std((1, 2, 3)) < fine.std((1, 2, 3)) / 2).all()
    flat = torch.full((4, 3, 40, 40), 77.0)
    torch.testing.assert_close(blur(flat, kernels), flat, rtol=0, atol=1e-3)


# Resizing


@pytest.mark.parametrize("pitch", [0.4, 0.9, 1.0, 1.7, 3.3])
def test_resampling_keeps_ramps(pitch: float) -> None:
    """Whichever filter it is, a sample is what lies at its place."""
    places = 20.3 + pitch * torch.arange(10).repeat(16, 1)
    matrices = resampling(places, torch.full((16,), pitch), 80)
    torch.testing.assert_close(matrices.sum(2), torch.ones(16, 10))
    found = matrices @ torch.arange(80.0)
    assert (found - places).abs().max() < 0.2
    assert len({tuple(each.flatten().tolist()) for each in matrices}) == (4 if pitch > 1 else 3), (
        "a small box is linear"
    )


def test_samples_at_pixels_are_these() -> None:
    places = torch.arange(3.0, 17.0).repeat(16, 1)
    torch.testing.assert_close(resampling(places, torch.ones(16), 20), torch.eye(20)[3:17].expand(16, 14, 20))


def test_samples_outside_repeat_the_end() -> None:
    matrices = resampling(torch.tensor([[-50.0, 0.0, 9.0, 70.0]]), torch.ones(1), 10)
    torch.testing.assert_close(matrices[:, 0], matrices[:, 1])
    torch.testing.assert_close(matrices[:, 2], matrices[:, 3])


# Noise


def test_noise_grows_with_the_light() -> None:
    strength = torch.full((64, 1, 1, 1), 6.0)
    dark, bright = (torch.full((64, 3, 32, 32), level) for level in (0.0, 255.0))
    assert (sensor_noise(dark, strength) - dark).std() == pytest.approx(6, rel=0.03)
    noise = sensor_noise(bright, strength) - bright
    assert noise.std() == pytest.approx(12, rel=0.03)
    grey = (noise[:, 0] == noise[:, 1]).all(2).all(1)
    assert 0.1 < grey.float().mean() < 0.6
    assert torch.equal(sensor_noise(dark, 0 * strength), dark)


def test_chroma_noise_is_coarse_and_leaves_luma() -> None:
    before = torch.full((32, 3, 64, 64), 128.0)
    luma, chroma = luma_and_chroma(chroma_noise(before, torch.full((32, 1, 1, 1), 5.0), JPEG.to_rgb))
    torch.testing.assert_close(luma, luma_and_chroma(before)[0], rtol=0, atol=0.01)
    assert chroma.std() == pytest.approx(5, rel=0.1)
    steps = (chroma[..., 1:] - chroma[..., :-1]).std()
    assert steps < 0.6 * chroma.std(), "blotches, not grain"


# WebP


@pytest.mark.parametrize(("step", "quality"), [(8, 90), (48, 25)])
def test_losses_are_those_of_libwebp(step: int, quality: int) -> None:
    edge = 96
    pixels = pictures(1, edge, coarse=8) * 0.7 + 0.3 * pictures(1, edge, coarse=2)
    pixels = (pixels + 4 * torch.randn(1, 1, edge, edge)).clamp(0, 255).round()
    ours = WebpLike(JPEG.to_ycc, JPEG.to_rgb)(pixels, torch.tensor([float(step)]))
    file = io.BytesIO()
    levels = pixels[0].permute(1, 2, 0).to(torch.uint8).numpy()
    Image.fromarray(levels).save(file, "WEBP", quality=quality)
    theirs = torch.from_numpy(np.array(Image.open(file).convert("RGB"))).permute(2, 0, 1)[None].float()
    assert psnr(ours, pixels)[0] == pytest.approx(psnr(theirs, pixels)[0].item(), abs=2)


def test_webp_keeps_flat_colours_and_loses_details() -> None:
    webp = WebpLike(JPEG.to_ycc, JPEG.to_rgb)
    flat = torch.tensor([200.0, 30.0, 90.0]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    assert (webp(flat, torch.tensor([8.0])) - flat).abs().max() <= 4
    pixels = pictures(1, 64)
    losses = [psnr(webp(pixels, torch.tensor([float(step)])), pixels)[0] for step in (8, 16, 32, 48)]
    assert losses == sorted(losses, reverse=True)


# The whole


def test_worse_pictures_are_whole_levels_in_place() -> None:
    high = pictures(20, edge_of_original(EDGE))
    low, originals = Worsen(EDGE, Restoration())(high)
    assert low.shape == (20, 3, EDGE, EDGE)
    assert originals.shape == (20, 3, 2 * EDGE, 2 * EDGE)
    assert torch.equal(low, low.round())
    assert low.min() >= 0
    assert low.max() <= 255


@pytest.mark.parametrize("chained", [0.0, 1.0])
def test_resizing_moves_nothing(chained: float) -> None:
    """With nothing but resizing, what comes out is the original, reduced by 2."""
    worsen = Worsen(EDGE, Restoration(mild=0, chained=chained, first=NOTHING, second=NOTHING))
    low, originals = worsen(pictures(24, edge_of_original(EDGE), coarse=24))
    assert psnr(low, torch.nn.functional.avg_pool2d(originals, 2)).min() > 38


@pytest.mark.parametrize(
    ("stage", "least", "most"),
    [
        (NOTHING, 40, 60),
        (replace(NOTHING, blurred=1, blur=(1.4, 1.6)), 22, 39),
        (replace(NOTHING, noisy=1, noise=9), 25, 39),
        (replace(NOTHING, blotched=1, blotches=7), 25, 39),
        (replace(NOTHING, jpeg=1, quality=(30, 31, 32)), 25, 39),
        (replace(NOTHING, webp=1), 25, 39),
    ],
)
def test_each_part_of_a_stage(stage: Stage, least: float, most: float) -> None:
    """Against the same pictures with nothing done, in dB; the second stage does the same."""
    high = pictures(12, edge_of_original(EDGE))
    for first, second in ((stage, NOTHING), (NOTHING, stage)):
        low, originals = Worsen(EDGE, Restoration(mild=0, chained=0, first=first, second=second))(high)
        losses = psnr(low, torch.nn.functional.avg_pool2d(originals, 2))
        assert least < losses.median() < most


def test_a_share_stays_mild() -> None:
    high = pictures(20, edge_of_original(EDGE))
    how = Restoration()
    mild = round(20 * how.mild)
    assert mild >= 5, "a quarter at least"
    torch.manual_seed(1)
    low, originals = Worsen(EDGE, how)(high)
    torch.manual_seed(1)
    expected, sharp = Degrade(EDGE, Degradation())(high[:mild])
    assert torch.equal(low[:mild], expected)
    assert torch.equal(originals[:mild], sharp)


def test_seeds_decide() -> None:
    high = pictures(8, edge_of_original(EDGE))
    worsen = Worsen(EDGE, Restoration())
    torch.manual_seed(3)
    one, _ = worsen(high)
    torch.manual_seed(3)
    again, _ = worsen(high)
    other, _ = worsen(high)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_batches_that_restore() -> None:
    cells = pictures(3, cell_edge(32)).to(torch.uint8)
    low, high = Batches(cells, None, 12, 32, 0, restoring=True)()
    assert low.shape == (12, 3, 32, 32)
    assert high.shape == (12, 3, 64, 64)
    assert low.min() >= 0
    assert low.max() <= 1
    fidelity = psnr(255 * low, 255 * torch.nn.functional.avg_pool2d(high, 2))
    assert 20 < fidelity.median() < 40, "the same pictures, and much worse"


def test_a_training_that_restores(tmp_path: Path) -> None:
    (tmp_path / "photographs").mkdir()
    Image.fromarray(photograph(260, 260, seed=2)).save(tmp_path / "photographs" / "one.png")
    weights = []
    for name, options in (("plain", []), ("restoring", ["--restoring"])):
        folder = tmp_path / name
        sizes = ("--layers", "1", "--channels", "8", "--patch", "16", "--batch", "4", "--steps", "2", "--drawings", "0")
        arguments = ("--photographs", tmp_path / "photographs", "--output", folder, *sizes, *options)
        assert train.main([*map(str, arguments)]) == 0
        with np.load(folder / "weights.npz") as arrays:
            weights.append(arrays["tail.weight"])
    assert np.isfinite(weights[1]).all()
    assert not np.array_equal(*weights), "what it learned from differs"
