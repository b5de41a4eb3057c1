"""libvips, and how pixels get there.

It is set up where it is loaded: one thread for each call, so that results don't depend on the machine; no cache of
operations, which would keep pictures of past requests; no decoder that libvips itself calls unsafe; no line in the log
for each file.
"""

import logging

import numpy as np
import pyvips

from superscaling.pictures.picture import Samples

logging.getLogger("pyvips").setLevel(logging.WARNING)
pyvips.concurrency_set(1)
pyvips.cache_set_max(0)
pyvips.block_untrusted_set(True)

# Channels -> how libvips interprets uint8, and uint16.
INTERPRETATIONS = {1: ("b-w", "grey16"), 2: ("b-w", "grey16"), 3: ("srgb", "rgb16"), 4: ("srgb", "rgb16")}


def to_vips(pixels: Samples) -> pyvips.Image:
    """An image of `pixels`, (h, w) or (h, w, c), the last of 2 or 4 channels being alpha. Memory is shared."""
    height, width, channels = np.atleast_3d(pixels).shape
    is_deep = pixels.dtype == np.uint16
    image = pyvips.Image.new_from_memory(
        np.ascontiguousarray(pixels).data, width, height, channels, "ushort" if is_deep else "uchar"
    )
    return image.copy(interpretation=INTERPRETATIONS[channels][is_deep])
