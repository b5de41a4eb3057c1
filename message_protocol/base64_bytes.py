"""Image files as base64 in JSON."""

import binascii

from pydantic import PlainSerializer

# The name of an image file in every message that has one.
IMAGE_FIELD = "imageBase64"

# Serialises bytes in JSON as base64: standard alphabet, padded, no line breaks.
as_base64 = PlainSerializer(lambda data: binascii.b2a_base64(data, newline=False).decode("ascii"), when_used="json")
