"""The degradation on the device, against Pillow's."""

import io

import numpy as np
import pytest
import torch
from conftest import photograph, psnr
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from training.crops import Batches, cell_edge
from training.degradation import Degradation, Degrade, edge_of_original, triangular
from training.jpeg import Jpeg
from training.reduction import FILTERS, REDUCTION_MARGIN

PILLOWS = {
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
}
FULL, HALVED = 0, 2  # Pillow's numbers of 4:4:4 and 4:2:0
EDGE = 48


def planes(*pictures: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()


def originals(count: int) -> list[NDArray[np.uint8]]:
    """Sharp crops for small ones of `EDGE` px."""
    edge = edge_of_original(EDGE)
    return [photograph(edge, edge, seed) for seed in range(count)]


def picture(tensor: Tensor) -> NDArray[np.uint8]:
    """(3, h, w) of whole levels, as a picture."""
    assert torch.equal(tensor, tensor.round())
    return np.asarray(tensor.permute(1, 2, 0).numpy(), np.uint8)


def pillow_jpeg(pixels: NDArray[np.uint8], quality: int, subsampling: int) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize(("number", "name"), [*enumerate(PILLOWS)])
def test_reductions_are_pillow_s(number: int, name: str) -> None:
    assert FILTERS[number].__name__ == name
    original = photograph(edge_of_original(EDGE) + 2, edge_of_original(EDGE) + 2)
    ours = picture(Degrade(EDGE, Degradation()).reduce(planes(original[1:-1, 1:-1]), torch.tensor([number]))[0])
    whole = Image.fromarray(original)
    reduced = np.asarray(whole.resize((whole.width // 2, whole.height // 2), PILLOWS[name]))
    # Ours leaves out a margin; the original has one pixel more on each side, so that both pair the same pixels.
    first = (REDUCTION_MARGIN + 1) // 2
    theirs = reduced[first : first + len(ours), first : first + len(ours)]
    difference = np.abs(ours.astype(int) - theirs)
    assert difference.max() <= 1
    assert difference.mean() < 0.001, "only where a value lies between two levels"


@pytest.mark.parametrize("quality", [30, 49, 75, 95])
@pytest.mark.parametrize("subsampling", [FULL, HALVED])
def test_jpegs_are_libjpeg_s(quality: int, subsampling: int) -> None:
    """What differs is libjpeg's arithmetic in whole numbers: less than half of what the JPEG itself loses."""
    pixels = photograph(128, 160)
    ours = picture(Jpeg()(planes(pixels), torch.tensor([float(quality)]), int(subsampling == FULL))[0])
    theirs = pillow_jpeg(pixels, quality, subsampling)
    assert psnr(ours, theirs) > 45
    assert psnr(ours, theirs) > psnr(theirs, pixels) + 3
    assert psnr(ours, pixels) == pytest.approx(psnr(theirs, pixels), abs=0.3)


def test_a_jpeg_twice_with_shifted_blocks() -> None:
    pixels = photograph(80, 96)
    jpeg, qualities = Jpeg(), torch.tensor([60.0])
    ours = jpeg(planes(pixels), qualities, 0)[:, :, 5:69, 11:75]
    ours = picture(jpeg(ours, torch.tensor([85.0]), 1)[0])
    theirs = pillow_jpeg(pillow_jpeg(pixels, 60, HALVED)[5:69, 11:75].copy(), 85, FULL)
    assert psnr(ours, theirs) > 44
    assert psnr(ours, theirs) > psnr(theirs, pixels[5:69, 11:75]) + 5


def test_each_picture_has_its_own_quality_and_chroma() -> None:
    pixels = [photograph(64, 64, seed) for seed in range(3)]
    ours = Jpeg()(planes(*pixels), torch.tensor([90.0, 40.0, 70.0]), 1)
    expected = [
        pillow_jpeg(each, *how) for each, how in zip(pixels, ((90, FULL), (40, HALVED), (70, HALVED)), strict=True)
    ]
    for one, other in zip(ours, expected, strict=True):
        assert psnr(picture(one), other) > 45


def test_clean_pictures_are_reductions_of_their_originals() -> None:
    torch.manual_seed(0)
    degrade = Degrade(EDGE, Degradation(filters=(0, 0, 1, 0), clean=0.5))
    low, high = degrade(planes(*originals(8)))
    assert low.shape == (8, 3, EDGE, EDGE)
    assert high.shape == (8, 3, 2 * EDGE, 2 * EDGE)
    means = torch.nn.functional.avg_pool2d(high, 2)
    assert (low[:4] - means[:4]).abs().max() <= 1, "rounded twice, as by Pillow"
    errors = (low[4:] - means[4:]).abs().mean((1, 2, 3))
    assert (errors > 0.5).all(), "the others are JPEGs"
    assert (errors < 10).all(), "which show the same"


@pytest.mark.parametrize("twice_every", [1, 7, 100])
def test_shares_of_the_batch(twice_every: int) -> None:
    torch.manual_seed(1)
    how = Degradation(twice_every=twice_every, noise=1)
    low, _ = Degrade(EDGE, how)(planes(*originals(7)))
    assert torch.equal(low, low.round())
    assert low.min() >= 0
    assert low.max() <= 255


def test_qualities_are_distributed_as_a_triangle() -> None:
    torch.manual_seed(0)
    qualities = triangular(20_000, Degradation().quality, torch.device("cpu"))
    assert qualities.min() >= 30
    assert qualities.max() <= 98
    assert float(qualities.mean()) == pytest.approx((30 + 80 + 98) / 3, abs=0.5)
    assert float((qualities < 80).float().mean()) == pytest.approx((80 - 30) / (98 - 30), abs=0.02)


def test_batches() -> None:
    """Crops lie anywhere, in eight orientations; small and large belong together."""
    torch.manual_seed(0)
    patch = 16
    photographs = planes(*(photograph(cell_edge(patch), cell_edge(patch), seed) for seed in range(4))).byte()
    drawings = torch.zeros_like(photographs)
    batches = Batches(photographs, drawings, batch=12, patch=patch, drawn=0.25)
    low, high = batches()
    assert low.shape == (12, 3, patch, patch)
    assert high.shape == (12, 3, 2 * patch, 2 * patch)
    assert 0 <= low.min() <= low.max() <= 1
    assert sum(bool((each == 0).all()) for each in high) == 3, "drawings"
    reduced = torch.nn.functional.avg_pool2d(high, 2)
    assert ((low - reduced).abs().mean((1, 2, 3)) < 0.06).all()
    assert len({each.numpy().tobytes() for each in high}) == 10, "nothing but drawings comes twice"
    assert not torch.equal(low, batches()[0])


def test_patches_have_all_eight_orientations() -> None:
    torch.manual_seed(0)
    edge = cell_edge(16)
    corner = torch.zeros(1, 3, edge, edge, dtype=torch.uint8)
    corner[..., : edge // 2, :] = 100
    corner[..., : edge // 2] += 50  # four quadrants of four levels
    _, high = Batches(corner, None, batch=200, patch=16, drawn=0)()
    found = {tuple((255 * each[0, [0, 0, -1, -1], [0, -1, 0, -1]]).round().int().tolist()) for each in high}
    assert len([each for each in found if len(set(each)) == 4]) == 8
