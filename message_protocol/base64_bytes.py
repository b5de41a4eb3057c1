"""Bytes that are base64 in JSON."""

import binascii

from pydantic import PlainSerializer

# How a field of bytes is written into JSON: the standard alphabet, padded, without line breaks.
as_base64 = PlainSerializer(lambda data: binascii.b2a_base64(data, newline=False).decode("ascii"), when_used="json")
