"""API keys: what they look like, whose they are, and whether they are valid.

A key is `upsk_<id>_<secret>`. Of each, the service knows the id, which finds what else is known, and the SHA-256 of the
whole key. A fast hash is enough: the secret has 256 random bits, which nobody can try out.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

SECRET_BYTES = 32
ID_BYTES = 5  # eight letters and digits
KEY = re.compile(r"upsk_([a-z0-9]{4,32})_[A-Za-z0-9_-]{43}")
# Also a part of a key, wherever it stands.
LOOKS_LIKE_KEY = re.compile(r"(upsk_[a-z0-9]+_)[A-Za-z0-9_%-]+")
# The same in a path, where any character may be percent-encoded, also several times.
ENCODED_KEY = re.compile("".join(f"(?:{each}|%(?:25)*(?i:{ord(each):x}))" for each in "upsk_") + "[A-Za-z0-9_%-]+")
# What the hash of a key with an unknown id is compared with, so that it takes as long as with a known one.
NO_HASH = "0" * 64


class KeyState(StrEnum):
    """Whether a key is good for anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Refusal(StrEnum):
    """Why a request is refused, for metrics and the log; its client is told less."""

    MISSING = "missing"
    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"


class KeyRefused(Exception):
    """A key is not valid. `key_id`: of a key that expired or was revoked; None: of others nobody may learn ids."""

    def __init__(self, reason: Refusal, key_id: str | None = None) -> None:
        super().__init__(reason, key_id)
        self.reason = reason
        self.key_id = key_id


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key.

    `sha256`: of the key, in hex; `owner`: whose jobs and rates the key is for, the same for all keys of one owner;
    `expires`: the last day on which it is valid; `revoked`: the day on which it was ended; both in UTC; None: never.
    `megapixels_per_hour`: that may be sent with it; None: as the
    service's setting says, with the owner's other keys. `label`: for people.
    """

    id: str
    sha256: str
    owner: str
    expires: date | None
    megapixels_per_hour: float | None = None
    revoked: date | None = None
    label: str = ""

    def state(self, today: date) -> KeyState:
        """Whether it is good for anything. A revoked key is not, whatever the date."""
        if self.revoked is not None:
            return KeyState.REVOKED
        return KeyState.ACTIVE if self.expires is None or today <= self.expires else KeyState.EXPIRED


class ApiKeys:
    """Keys, by their ids.

    Args:
        keys: with different ids.
    """

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._by_id: Mapping[str, ApiKey] = {key.id: key for key in keys}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[ApiKey]:
        return iter(self._by_id.values())

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._by_id

    def active(self, today: date) -> int:
        """How many are valid."""
        return sum(key.state(today) is KeyState.ACTIVE for key in self)

    def find(self, key: str, today: date) -> ApiKey:
        """What is known of a key. It takes as long whether or not the id is known, so that time tells nothing of ids.

        Args:
            key: that a client has sent: any text.
            today: in UTC.

        Raises:
            KeyRefused: it is malformed, unknown, expired or revoked.
        """
        match = KEY.fullmatch(key)
        if match is None:
            raise KeyRefused(Refusal.MALFORMED)
        known = self._by_id.get(match[1])
        is_equal = hmac.compare_digest(sha256_of(key), NO_HASH if known is None else known.sha256)
        if known is None or not is_equal:
            raise KeyRefused(Refusal.UNKNOWN)
        state = known.state(today)
        if state is not KeyState.ACTIVE:
            raise KeyRefused(Refusal(state.value), known.id)
        return known


def today() -> date:
    """The day, in UTC."""
    return datetime.now(UTC).date()


def sha256_of(key: str) -> str:
    """What is kept of a key, in hex."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_key(ids: Collection[str]) -> tuple[str, str]:
    """Make a key. Returns its id, which is none of `ids`, and the key."""
    key_id = base64.b32encode(secrets.token_bytes(ID_BYTES)).decode().lower()
    if key_id in ids:
        return new_key(ids)
    return key_id, f"upsk_{key_id}_{secrets.token_urlsafe(SECRET_BYTES)}"


def redacted(text: str) -> str:
    """A text without the secrets of keys, which people send in strange places."""
    if "upsk_" in text:
        text = LOOKS_LIKE_KEY.sub(r"\1...", text)
    if "%" in text:
        text = ENCODED_KEY.sub(lambda match: "upsk_..." if "%" in match[0] else match[0], text)
    return text
