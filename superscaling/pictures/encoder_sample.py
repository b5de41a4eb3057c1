"""A small picture that tells how long an encoder will take for a large one."""

from dataclasses import replace

import numpy as np

from superscaling.pictures.picture import Frame, Metadata, Picture, Samples

# Edge in px of the parts that a sample is made of, and how many there are across and down.
PART, PARTS = 48, 4
# Enlarged pictures are smoother than their originals: so is the sample.
FACTOR = 2
# Frames of an animation in a sample. Pages and frames are alike enough.
MAX_FRAMES = 2


def encoding_sample(picture: Picture, random: np.random.Generator | None = None) -> Picture:
    """Parts from all over a picture, enlarged and without metadata: at most 384 x 384 px, in one or two frames.

    Of 8 bits or 16, with or without alpha, as the picture. Which frames, and where the parts are within each field of a
    grid, is left to chance (stratified sampling): a picture can't be made to be simple there, and hard to encode
    elsewhere.

    Args:
        picture: to be encoded.
        random: chance; None: one that nobody knows.
    """
    random = np.random.default_rng(random)
    start = random.integers(0, max(1, len(picture.frames) - MAX_FRAMES + 1))
    frames = picture.frames[start : start + MAX_FRAMES]
    if any((frame.height, frame.width) != (frames[0].height, frames[0].width) for frame in frames):
        frames = frames[:1]  # pages
    return replace(picture, frames=tuple(_sample(frame, random) for frame in frames), notes=())


def _sample(frame: Frame, random: np.random.Generator) -> Frame:
    rows, columns = _places(frame.height, random), _places(frame.width, random)

    def parts(samples: Samples) -> Samples:
        """Parts of an array (h, w) or (h, w, c), beside each other, and enlarged bilinearly."""
        return _enlarged(_enlarged(samples[rows][:, columns], 0), 1)

    alpha = None if frame.alpha is None else parts(frame.alpha)
    return replace(frame, colour=parts(frame.colour), alpha=alpha, metadata=Metadata())


def _places(length: int, random: np.random.Generator) -> slice | np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Where the parts are on an axis, one in each of its fields; all of it if it is short."""
    if length <= PART * PARTS:
        return slice(None)
    edges = np.linspace(0, length, PARTS + 1).astype(np.intp)
    starts = random.integers(edges[:-1], edges[1:] - PART, endpoint=True)
    return (starts[:, np.newaxis] + np.arange(PART)).ravel()


def _enlarged(samples: Samples, axis: int) -> Samples:
    """Twice as long on an axis, with means between neighbours."""
    following = np.roll(samples, -1, axis)
    means = ((samples.astype(np.uint32) + following) // FACTOR).astype(samples.dtype)
    stacked = np.stack((samples, means), axis + 1)
    shape = list(samples.shape)
    shape[axis] *= FACTOR
    return np.ascontiguousarray(stacked.reshape(shape))
