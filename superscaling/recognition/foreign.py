"""Names formats that are not supported, by the first bytes of a file, so that an error can say what was sent.

Signatures are from the formats' specifications, and from the database of file(1) where there is none.
"""

import re

# Enough for every signature; a tar's is at 257.
HEAD = 4096

RAW = "a camera's raw file"
RAW_ADVICE = "develop it in a photo program, and send the JPEG or TIFF"
VIDEO_ADVICE = "send a single picture, or a short animation as WebP, PNG or GIF"
VECTOR_ADVICE = "render it at the size that you need, and send the PNG"
DOCUMENT_ADVICE = "send its pages as PNG or TIFF"
UNPACK = "unpack it, and send the images one by one"

# Signature, name, what to do instead (empty: only the supported formats are named).
FOREIGN = tuple(
    (re.compile(signature, re.DOTALL), name, advice)
    for signature, name, advice in (
        (rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL", "djxl turns it into a JPEG or PNG"),
        (rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", "JPEG 2000", ""),
        (rb"....ftypcrx ", f"{RAW} (Canon CR3)", RAW_ADVICE),
        (rb"II....HEAPCCDR", f"{RAW} (Canon CRW)", RAW_ADVICE),
        (rb"FUJIFILMCCD-RAW", f"{RAW} (Fujifilm RAF)", RAW_ADVICE),
        (rb"IIR[OS]|MMOR", f"{RAW} (Olympus ORF)", RAW_ADVICE),
        (rb"IIU\0", f"{RAW} (Panasonic RW2)", RAW_ADVICE),
        (rb"\0MRM", f"{RAW} (Minolta MRW)", RAW_ADVICE),
        (rb"FOVb", f"{RAW} (Sigma X3F)", RAW_ADVICE),
        (rb"8BPS\0[\1\2]", "a Photoshop document", "export it as PNG or TIFF"),
        (rb"gimp xcf", "a GIMP project (XCF)", "export it as PNG or TIFF"),
        (rb"II\xbc", "JPEG XR", ""),
        (rb"qoif", "QOI", ""),
        (rb"v/1\x01", "OpenEXR", "tone-map it, and send a PNG"),
        (rb"#\?(?:RADIANCE|RGBE)", "Radiance HDR", "tone-map it, and send a PNG"),
        (rb"P[1-7][\s#]", "PNM or PAM", ""),
        (rb"P[Ff]\s", "a portable float map (PFM)", "tone-map it, and send a PNG"),
        (rb"DDS ", "a DirectDraw surface (DDS)", ""),
        (rb"\xabKTX [12][01]\xbb\r\n\x1a\n", "a KTX texture", ""),
        (rb"\n[\0-\5][\0\1][\1\2\4\10]", "PCX", ""),
        (rb"FLIF[1-Z]", "FLIF", ""),
        (rb"BPG\xfb", "BPG", ""),
        (rb"\0\0[\1\2]\0[^\0]\0", "an icon (ICO, CUR)", "extract one of its images as PNG"),
        # Without or with a palette: type, palette, size, bits of a pixel. (Truevision TGA 2.0)
        (rb".\0[\2\3\n\x0b]\0{5}.{8}[\x08\x0f\x10\x18\x20][\0-\x3f]", "TGA", ""),
        (rb".\x01[\1\t]....[\x0f\x10\x18\x20].{8}[\x08\x10][\0-\x3f]", "TGA", ""),
        (rb"icns", "an icon (ICNS)", "extract one of its images as PNG"),
        (rb"RIFF....ACON", "an animated cursor (ANI)", "extract one of its images as PNG"),
        (rb"\x8aMNG\r\n\x1a\n|\x8bJNG\r\n\x1a\n", "MNG or JNG", ""),
        (rb"FORM....(?:ILBM|PBM )", "IFF (ILBM)", ""),
        (rb"\x01\xda[\0\1][\1\2]", "SGI RGB", ""),
        (rb"\x59\xa6\x6a\x95", "a Sun raster file", ""),
        (rb"SDPX|XPDS", "DPX", ""),
        (rb"/\* XPM \*/", "XPM", ""),
        (rb"#define [^\n]{1,200}_width", "XBM", ""),
        (rb"\xd7\xcd\xc6\x9a|\x01\0\t\0\0\x03", "a Windows metafile (WMF)", VECTOR_ADVICE),
        (rb"\x01\0\0\0.{36} EMF", "an enhanced metafile (EMF)", VECTOR_ADVICE),
        (rb"AT&TFORM....DJV", "DjVu", DOCUMENT_ADVICE),
        (rb".{128}DICM", "DICOM", "export it as PNG or TIFF"),
        (rb"SIMPLE  =", "FITS", "export it as PNG or TIFF"),
        (rb"\x89HDF\r\n\x1a\n", "HDF5", "export it as PNG or TIFF"),
        (rb"[\s\S]{0,1024}?%PDF-", "PDF", DOCUMENT_ADVICE),
        (rb"(?:\xc5\xd0\xd3\xc6)|%!PS", "PostScript", VECTOR_ADVICE),
        (rb"\x1f\x8b", "a gzip archive (SVGZ is one, too)", UNPACK),
        (rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", "a ZIP archive (or a document that is one)", UNPACK),
        (rb"Rar!\x1a\x07", "a RAR archive", UNPACK),
        (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
        (rb"\xfd7zXZ\0|BZh[1-9]|\x28\xb5\x2f\xfd", "compressed data", UNPACK),
        (rb".{257}ustar", "a tar archive", UNPACK),
        (rb"....ftyp(?:qt  )|....(?:moov|mdat|wide|free)", "a QuickTime video", VIDEO_ADVICE),
        (rb"....ftyp", "an MP4 video", VIDEO_ADVICE),
        (rb"\x1a\x45\xdf\xa3", "a WebM or Matroska video", VIDEO_ADVICE),
        (rb"RIFF....AVI ", "an AVI video", VIDEO_ADVICE),
        (rb"\0\0\x01[\xb3\xba]|G.{187}G.{187}G", "an MPEG video", VIDEO_ADVICE),
        (rb"FLV\x01", "a Flash video", VIDEO_ADVICE),
        (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media video", VIDEO_ADVICE),
        (rb"OggS", "an Ogg video or sound", VIDEO_ADVICE),
        (rb"RIFF....WAVE|ID3|fLaC|\xff[\xfb\xf3\xf2]", "a sound", ""),
        (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document", DOCUMENT_ADVICE),
        (rb"\{\\rtf", "an RTF document", DOCUMENT_ADVICE),
        (rb"\x7fELF|MZ.{58}|\xca\xfe\xba\xbe|\xcf\xfa\xed\xfe", "a program", ""),
        (rb"version https://git-lfs", "a pointer to a file in Git LFS", "fetch the file itself with `git lfs pull`"),
    )
)
# Names of formats that hold no pictures.
NO_PICTURES = ("a sound", "a program", "a pointer to a file in Git LFS", "XML", "plain text")
# Text formats may begin with a byte order mark, white space, a declaration and comments. What was read of these is not
# read again in another way (`*+`), which would take for ever.
SVG = re.compile(rb"(?:\s|<\?[^>]{0,1000}>|<!--.{0,2000}?-->|<!DOCTYPE svg[^>]{0,2000}>)*+<svg[\s>]", re.DOTALL | re.I)
HTML = re.compile(rb"\s*+(?:<!--.{0,2000}?-->\s*+)*+<(?:!doctype html|html|head|body)\b", re.DOTALL | re.I)
XML = re.compile(rb"\s*<\?xml\b")
JSON = re.compile(rb"\s*(?:\{\s*[\"}]|\[\s*[\[\]{\"\d-])")
BASE64 = re.compile(
    rb"(?:data:[^,]{0,200},\s*)?(?:/9j/|iVBORw0KGgo|UklGR|R0lGOD|SUkqA|TU0AK|Qk[0-3])[A-Za-z0-9+/\s]{20}"
)
TEXT = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]+")
TEXTS = {
    "HTML": "send the image itself: a link may have led to a page about it",
    "base64": "decode it, or send it as imageBase64 in JSON",
    "JSON": "send a JSON message with Content-Type: application/json",
}
BOM = b"\xef\xbb\xbf"


def name_foreign(data: bytes) -> tuple[str, str] | None:
    """The name of a format that is not supported, with an article where it needs one, and what to do instead.

    Args:
        data: a file's first bytes, or all.

    Returns:
        None, if it is not known. What to do instead may be empty.
    """
    head = data[:HEAD]
    for signature, name, advice in FOREIGN:
        if signature.match(head):
            return name, advice
    return _name_text(head)


def name_foreign_image(data: bytes) -> str | None:
    """The name of a format that is not supported, if its files are pictures; None for others."""
    named = name_foreign(data)
    if named is None or named[1] in (UNPACK, VIDEO_ADVICE, *TEXTS.values()) or named[0] in NO_PICTURES:
        return None
    return named[0]


def _name_text(head: bytes) -> tuple[str, str] | None:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            head = head[2:].decode(encoding, "replace").encode()
    head = head.removeprefix(BOM)
    if SVG.match(head):
        return "SVG", VECTOR_ADVICE
    if HTML.match(head):
        return "an HTML page", TEXTS["HTML"]
    if BASE64.match(head):
        return "an image in base64", TEXTS["base64"]
    if XML.match(head):
        return "XML", ""
    if JSON.match(head):
        return "JSON", TEXTS["JSON"]
    if TEXT.fullmatch(head):
        return "plain text", ""
    return None
