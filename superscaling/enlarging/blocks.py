"""A picture in blocks, so that it can be enlarged bit by bit, anywhere, and resumed.

A block is a run of the parts that `TiledUpscaler.enlarge` makes, of all frames and passes, in their usual order. Parts
are independent of each other, so the blocks of a picture, put together, are to the byte what is made in one go. Their
number and order follow from the decoded picture, the sizes, and the network's facts.
"""

import functools
import zlib
from collections.abc import Iterable

import numpy as np

from superscaling.enlarging.file_upscaler import DecodedFile
from superscaling.enlarging.layers import Enlarging, FillOnce, layers
from superscaling.enlarging.part_upscalers import CountedLayer, Counting, Joining, Making
from superscaling.enlarging.picture_upscaler import PictureUpscaler
from superscaling.pictures import Picture
from superscaling.scheduling import NO_LISTENER, Deadline, ProgressListener, Timings


class PictureInParts:
    """Knows all parts of a decoded picture, and makes any run of them without going through the rest.

    `file`: the picture; `sizes`: of every part, in order; there may be none.
    """

    def __init__(self, file: DecodedFile) -> None:
        self.file = file
        self._upscaler = file.file.model.upscaler
        self._fill = FillOnce()
        counting = Counting(self._upscaler)
        self._layers = [CountedLayer(layer, counting.count(layer)) for layer in layers(file.picture, file.results)]
        self.sizes = counting.sizes

    @functools.cached_property
    def fingerprint(self) -> str:
        """Differs for pictures with other pixels or other parts, for all that is likely to happen by accident."""
        checksum = 0
        for frame in self.file.picture.frames:
            for samples in (frame.colour, frame.alpha):
                if samples is not None:
                    checksum = zlib.crc32(str(samples.shape).encode(), checksum)
                    checksum = zlib.crc32(np.ascontiguousarray(samples).data, checksum)
        return f"{len(self.sizes)}-{checksum:08x}"

    def make(
        self, first: int, stop: int, deadline: Deadline, timings: Timings, listener: ProgressListener = NO_LISTENER
    ) -> bytes:
        """Make the parts from `first` up to, not including, `stop`.

        Returns:
            Their pixels, one part after the other, each in rows, in the machine's byte order.

        Raises:
            EngineFailed, ClientGone, DeadlinePassed, ServiceStopping: as `TiledUpscaler.enlarge`.
        """
        making = Making(self._upscaler, first, stop)
        for each in self._layers:
            making.make(each, Enlarging(deadline, timings, listener, self._fill))
        return b"".join(making.parts)

    def join(self, blocks: Iterable[bytes]) -> Picture:
        """Put the enlarged picture together.

        Args:
            blocks: all that `make` made, in order.

        Raises:
            ValueError: the blocks are not those of this picture.
        """
        joining = Joining(self._upscaler, blocks)
        picture = PictureUpscaler(joining).enlarge(self.file.picture, Deadline(), Timings(), results=self.file.results)
        joining.check_end()
        return picture
