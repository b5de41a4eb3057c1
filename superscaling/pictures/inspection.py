"""How large an image file's pictures are, by its headers alone."""

from PIL import ImageFile

from superscaling.errors import UnsupportedImage, UnsupportedMode
from superscaling.format_name import FormatName
from superscaling.pictures.containers.apng import read_apng
from superscaling.pictures.containers.gif_reading import read_gif
from superscaling.pictures.formats import FORMATS, sniff
from superscaling.pictures.guards.structure import check_structure
from superscaling.pictures.guards.tiff import NO_PAGE, PAGE_KIND
from superscaling.pictures.limits import Limits
from superscaling.pictures.opening import decoder_errors, frame_count, open_image, tiff_tags

# Height and width of a picture as it is stored, in px.
Size = tuple[int, int]


def measure(data: bytes, limits: Limits) -> tuple[Size, ...]:
    """Sizes of all frames or pages of an image file; nothing is decoded.

    Raises:
        UnsupportedImage, ImageTooLarge, TooManyFrames, ImageTooComplex, UnsupportedMode, ImageCorrupt: see `decode`.
    """
    name = known_format(data)
    check_structure(data, name, limits)
    with decoder_errors():
        if name is FormatName.GIF:
            animation = read_gif(data, limits)
            return ((animation.height, animation.width),) * len(animation.parts)
        image = open_image(data, name, limits)
        if name is FormatName.TIFF:
            return tuple(size for _, size in measure_pages(image, limits))
        return ((image.height, image.width),) * _frames(data, name, image, limits)


def known_format(data: bytes) -> FormatName:
    """The format that an image file begins like.

    Raises:
        UnsupportedImage: none that is read.
    """
    name = sniff(data)
    if name is None:
        raise UnsupportedImage(f"the bytes are no image of a supported format ({', '.join(FORMATS)})")
    return name


def measure_pages(image: ImageFile.ImageFile, limits: Limits) -> list[tuple[int, Size]]:
    """Index and size of each page of a TIFF; previews and masks are none.

    Raises:
        ImageTooLarge, TooManyFrames: all together are, or there are.
        UnsupportedMode: there are none.
    """
    pages, pixels = list[tuple[int, Size]](), 0
    for index in range(frame_count(image)):
        image.seek(index)
        kind = tiff_tags(image).get(PAGE_KIND, 0)
        if not (isinstance(kind, int) and kind & NO_PAGE):
            pages.append((index, (image.height, image.width)))
            limits.check_frames(len(pages))
            pixels += image.width * image.height
            limits.check_pixels(pixels, 1)
    if not pages:
        raise UnsupportedMode("the TIFF has previews only")
    return pages


def _frames(data: bytes, name: FormatName, image: ImageFile.ImageFile, limits: Limits) -> int:
    if name is FormatName.PNG:
        animation = read_apng(data, limits)
        return len(animation.parts) if animation else 1
    if name is not FormatName.WEBP:
        return 1
    count = frame_count(image)
    limits.check_frames(count)
    limits.check_pixels(image.width, image.height, count)
    return count
