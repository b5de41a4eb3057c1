"""What a quantised model may lose against fp32 to be chosen for its speed."""

from dataclasses import dataclass

# Largest loss of PSNR against fp32, in dB: the mean over the held-out pictures.
LOSS_LIMIT = 0.1
# Largest differences from fp32 within smooth gradients, in levels: as the mean over a square, as a band is an area,
# and of a single pixel, which is texture. bf16 shows 1.0 and 2.5 itself. With 2.2 and 4.0 one saw bands on dark
# gradients and tinted steps of one level; with 1.2 and 3.1 the contrast has to be raised to see texture of single
# levels, and there are no areas (docs/gradients.png).
BAND_LIMIT = 1.5
PIXEL_LIMIT = 3.5


@dataclass(frozen=True)
class Acceptance:
    """What was measured of a quantised model.

    `loss`: dB of PSNR that it is below fp32, against the originals; `bands`, `pixels`: its largest difference from fp32
    on smooth gradients, in 8-bit levels, as the mean over a square and of a single pixel.
    """

    loss: float
    bands: float
    pixels: float

    @property
    def passed(self) -> bool:
        """Whether the model may be chosen for its speed."""
        return self.loss <= LOSS_LIMIT and self.bands <= BAND_LIMIT and self.pixels <= PIXEL_LIMIT

    def __str__(self) -> str:
        return (
            f"{max(self.loss, 0):.2f} dB below fp32 ({LOSS_LIMIT} allowed) and on gradients {self.bands:.1f} levels off"
            f" in areas ({BAND_LIMIT:g} allowed) and {self.pixels:.1f} in pixels ({PIXEL_LIMIT:g} allowed)"
        )
