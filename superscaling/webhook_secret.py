"""The file of the secret that webhooks are signed with, as Standard Webhooks says: `whsec_` and base64."""

import base64
import binascii
from pathlib import Path

PREFIX = "whsec_"
MIN_BYTES, MAX_BYTES = 24, 64
HOW_TO_MAKE = f'make one with: echo "{PREFIX}$(openssl rand -base64 24)"'


def read_webhook_secret(path: Path) -> bytes:
    """The secret in a file.

    Raises:
        ValueError: the file can't be read, or holds no such secret; the message has the reason, and no secret.
    """
    try:
        text = path.read_text("utf-8").strip()
    except OSError as exc:
        raise ValueError(f"it can't be read: {exc.strerror or exc}") from exc
    except UnicodeDecodeError as exc:
        raise ValueError("it is not in UTF-8") from exc
    allowed = f"it must hold {PREFIX} and then {MIN_BYTES} to {MAX_BYTES} bytes in base64; {HOW_TO_MAKE}"
    if not text.startswith(PREFIX):
        raise ValueError(allowed)
    encoded = text.removeprefix(PREFIX)
    try:
        secret = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):  # ValueError: not in ASCII
        raise ValueError(allowed) from None  # its message might repeat the secret
    if not MIN_BYTES <= len(secret) <= MAX_BYTES:
        raise ValueError(allowed)
    return secret
