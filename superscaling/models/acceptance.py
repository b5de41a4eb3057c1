"""The quality that a quantised model must keep to be used."""

from dataclasses import dataclass

# Largest loss of PSNR against fp32 in dB, as the mean over held-out pictures.
LOSS_LIMIT = 0.1
# Largest differences from fp32 in smooth gradients, in levels: of the mean of a square (visible as bands) and of a
# single pixel (visible as texture). bf16 has 1.0 and 2.5; with 2.2 and 4.0 bands became visible (docs/gradients.png).
BAND_LIMIT = 1.5
PIXEL_LIMIT = 3.5
# From this difference in levels on, its number says nothing any more: results are not clamped, and may exceed 255.
FAR_OFF = 100


@dataclass(frozen=True)
class Acceptance:
    """Measurements of a quantised model against fp32.

    `loss`: of PSNR in dB; `bands`, `pixels`: largest differences in smooth gradients, in 8-bit levels, of the mean of a
    square and of a single pixel.
    """

    loss: float
    bands: float
    pixels: float

    @property
    def passed(self) -> bool:
        """Whether the model may be used."""
        return self.loss <= LOSS_LIMIT and self.bands <= BAND_LIMIT and self.pixels <= PIXEL_LIMIT

    def __str__(self) -> str:
        loss = f"{max(self.loss, 0):.2f} dB below fp32 ({LOSS_LIMIT} allowed)"
        if max(self.bands, self.pixels) > FAR_OFF:
            return f"{loss} and far off on gradients ({BAND_LIMIT:g} levels allowed)"
        return (
            f"{loss} and on gradients {self.bands:.1f} levels off in areas ({BAND_LIMIT:g} allowed) and"
            f" {self.pixels:.1f} in pixels ({PIXEL_LIMIT:g} allowed)"
        )
