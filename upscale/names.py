"""File names: which format an extension stands for, what results are called, how names are shown."""

from pathlib import PurePath

from superscaling.format_name import FormatName

# The first of a format is what its files get; all of them are left as they are.
EXTENSIONS = {
    FormatName.JPEG: (".jpg", ".jpeg", ".jpe", ".jfif"),
    FormatName.PNG: (".png", ".apng"),
    FormatName.WEBP: (".webp",),
    FormatName.TIFF: (".tif", ".tiff"),
    FormatName.BMP: (".bmp", ".dib"),
    FormatName.GIF: (".gif",),
}
FORMAT_OF = {extension: name for name, extensions in EXTENSIONS.items() for extension in extensions}
FORMAT_OF[".mpo"] = FormatName.JPEG  # several pictures, of which the result has one
# What a result beside its input has behind its name.
ENLARGED = "-x2"


def format_named(path: PurePath) -> FormatName | None:
    """The format that a file's extension stands for; None where it is none of a picture."""
    return FORMAT_OF.get(path.suffix.lower())


def with_extension(path: PurePath, name: FormatName, behind: str = "") -> str:
    """The last part of `path`, `behind` put behind its stem, with an extension of the format `name`."""
    own = format_named(path)
    if own is name and path.suffix.lower() in EXTENSIONS[name]:
        return path.stem + behind + path.suffix
    stem = path.name if own is None else path.stem  # ".v2" is no picture's extension, so it stays
    return stem + behind + EXTENSIONS[name][0]


def shown(text: object) -> str:
    """Text for people: what is not printable (a control character, a byte that is no UTF-8) is written as an escape."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(text))
