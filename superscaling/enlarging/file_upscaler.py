"""An image file in, an enlarged image file out, in steps: inspect, decode, enlarge, encode."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from superscaling.enlarging.loaded_models import LoadedModels
from superscaling.enlarging.picture_upscaler import PictureUpscaler
from superscaling.enlarging.result_sizes import check_results, choose_least_sizes, choose_sizes, cropped
from superscaling.format_name import FormatName
from superscaling.isolation import Decoder, EncodeCall, Handover, Inspected
from superscaling.metadata_choice import MetadataChoice
from superscaling.pictures import FORMATS, Limits, Picture, Size, check_can_hold, encoding_sample
from superscaling.scheduling import Deadline, Demand, Timings
from superscaling.size_choice import ResultSize
from superscaling.upscale_options import UpscaleOptions

# Pixels of a result that any encoder writes in moments: that takes no longer than what `Admission` allows for it.
MIN_TIMED_PIXELS = 4_000_000
# Seconds that a sample takes longer at most when the encoder's libraries are loaded first.
LOADING_SECONDS = 0.3


@dataclass(frozen=True)
class InspectedFile:
    """An image file that is within the limits, not decoded yet.

    `model`: what enlarges it; `format`: of the result; `notes`: for people; `demand`: as far as the header tells.
    """

    inspected: Inspected
    options: UpscaleOptions
    model: PictureUpscaler
    format: FormatName
    notes: tuple[str, ...]
    demand: Demand


@dataclass(frozen=True)
class DecodedFile:
    """A decoded image file.

    `picture`: what the result shows; `results`: what becomes of each frame; `demand`: what the picture really takes.
    """

    file: InspectedFile
    picture: Picture
    results: Sequence[ResultSize]
    demand: Demand

    @property
    def sizes(self) -> list[Size]:
        """Height and width of each frame of the result in px."""
        return [(result.height, result.width) for result in self.results]


@dataclass(frozen=True)
class EnlargedFile:
    """`data`: the file; `format`, `width` and `height` in px of its first frame; `notes`: what it lacks, for people."""

    data: bytes
    format: FormatName
    width: int
    height: int
    notes: tuple[str, ...]


class FileUpscaler:
    """Knows the steps around `PictureUpscaler.enlarge`. Thread-safe: it keeps nothing of a picture.

    Args:
        models: that can be asked for.
        limits: of input pictures.
        quality: of lossy results for which none is asked, 1 to 100.
        decoder: reads pictures, and writes them.
    """

    def __init__(self, models: LoadedModels, limits: Limits, quality: int, decoder: Decoder) -> None:
        self.models = models
        self._limits = limits
        self._quality = quality
        self._decoder = decoder

    def inspect(self, image: bytes, options: UpscaleOptions, deadline: Deadline, timings: Timings) -> InspectedFile:
        """Read the header of an image file, and check all that it tells.

        Raises:
            UnknownModel, StrengthNotOffered: the model is not loaded, or has no strength to choose.
            UnsupportedImage, UnsupportedMode, ImageCorrupt, ImageUndecodable: the file can't be read.
            ImageTooLarge, TooManyFrames, ImageTooComplex: it is beyond a limit.
            SizeOutOfRange, ResultTooLarge: the result would be.
            DecoderUnavailable: there is no decoder at the moment.
            ClientGone, DeadlinePassed, ServiceStopping: from `deadline`.
        """
        model = self.models.chosen(options.model, options.strength)
        with timings.span("decode"):
            inspected = self._decoder.inspect(image, self._limits, deadline, timings)
        name = options.format or inspected.format
        results = choose_least_sizes(inspected.sizes, options.size, model.facts)
        demand = self._demand(model, inspected.sizes, results, name)
        notes = () if options.format else inspected.notes
        return InspectedFile(inspected, options, model, name, notes, demand)

    def decode(self, file: InspectedFile, timings: Timings) -> DecodedFile:
        """Decode a file, and check what only its pixels tell.

        Raises:
            UnsupportedMode, ImageCorrupt, ImageUndecodable: the file can't be read.
            SizeOutOfRange, ResultTooLarge, ImageTooLarge: it is on its side, and its result would be too large.
            FormatCannotHold: the format can't store the result.
            DecoderUnavailable, ClientGone, DeadlinePassed, ServiceStopping: as `inspect`.
        """
        with timings.span("decode"):
            picture = file.inspected.decode()
        results = choose_sizes(picture.sizes, file.options.size, file.model.facts)
        demand = self._demand(file.model, picture.sizes, results, file.format)
        picture = cropped(picture, results)
        check_can_hold(picture, [(result.height, result.width) for result in results], file.format)
        return DecodedFile(file, picture, results, replace(demand, cost=file.model.cost_of(picture, results)))

    def encoding_seconds(self, decoded: DecodedFile, deadline: Deadline, timings: Timings) -> float:
        """Estimated seconds that writing the result takes, by a sample of the picture; 0 for small results.

        The same pixels take some encoders, of GIF and of WebP without loss, ten times as long if they show noise.

        Raises:
            DecoderUnavailable, ClientGone, DeadlinePassed, ServiceStopping: as `inspect`.
        """
        file = decoded.file
        return self.writing_seconds(decoded.picture, decoded.sizes, file.format, file.options, deadline, timings)

    def writing_seconds(
        self,
        picture: Picture,
        sizes: Sequence[Size],
        name: FormatName,
        options: UpscaleOptions,
        deadline: Deadline,
        timings: Timings,
    ) -> float:
        """The same of a picture that is written as `name`, once its frames have these heights and widths in px."""
        pixels = sum(height * width for height, width in sizes)
        if pixels < MIN_TIMED_PIXELS:
            return 0.0
        sample = encoding_sample(picture)
        order = EncodeCall(sample, name, options.quality, self._quality, MetadataChoice.STRIP)

        def seconds() -> float:
            start = time.monotonic()
            self._decoder.encode(Handover(order), deadline, timings)
            return time.monotonic() - start

        with timings.span("queue"):  # it is part of being admitted
            taken = seconds()
            if taken < LOADING_SECONDS:
                taken = min(taken, seconds())
        return taken * pixels / sum(height * width for height, width in sample.sizes)

    def encode(
        self, file: InspectedFile, result: Handover[Picture], deadline: Deadline, timings: Timings
    ) -> EnlargedFile:
        """Write the result, which is taken: its pixels need not be in memory here meanwhile.

        Raises:
            FormatCannotHold: it would be too large for its format.
            DecoderUnavailable, ClientGone, DeadlinePassed, ServiceStopping: as `inspect`.
        """
        return self.write(result, file.format, file.options, file.notes, deadline, timings)

    def inspect_alone(self, image: bytes, limits: Limits, deadline: Deadline, timings: Timings) -> Inspected:
        """Read the header of a file that is not to be enlarged.

        Raises:
            ServiceError: as `inspect`, of a file alone.
        """
        with timings.span("decode"):
            return self._decoder.inspect(image, limits, deadline, timings)

    def write(
        self,
        result: Handover[Picture],
        name: FormatName,
        options: UpscaleOptions,
        notes: tuple[str, ...],
        deadline: Deadline,
        timings: Timings,
    ) -> EnlargedFile:
        """Write a picture, which is taken, as `name`; `notes`: what it lacks already. Raises: as `encode`."""
        picture = result.take()
        notes, width, height = notes + picture.notes, picture.width, picture.height
        order = Handover(EncodeCall(picture, name, options.quality, self._quality, options.metadata))
        del picture
        with timings.span("encode"):
            encoded = self._decoder.encode(order, deadline, timings)
        notes += encoded.notes + notes_on_options(options, name)
        return EnlargedFile(encoded.data, name, width, height, notes)

    def _demand(
        self, model: PictureUpscaler, sizes: Sequence[Size], results: Sequence[ResultSize], name: FormatName
    ) -> Demand:
        check_results(results, self._limits)
        demand = model.demand_of(sizes, results, name)
        self._limits.check_memory(demand.pixels, demand.input_pixels, name, demand.memory)
        return demand


def notes_on_options(options: UpscaleOptions, name: FormatName) -> tuple[str, ...]:
    """A note on the options that do not apply to a result of the format `name`."""
    if options.quality is None or FORMATS[name].has_quality:
        return ()
    return (f"'quality' was ignored, as {name} has none",)
