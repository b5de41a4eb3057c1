"""API keys: what they look like, the lines of their file, and whose key is valid.

A key is `upsk_<id>_<secret>`. The file has the id, which finds the line, and the SHA-256 of the whole key. A fast hash is
enough: the secret has 256 random bits, which nobody can try out. A line is

    id=k3j7q2ma sha256=<64 hex digits> owner=anna expires=2027-11-28 megapixels-per-hour=500 label=Laptop at home

where the last two may be missing, `label=` is the last and reaches to the end of the line, and `revoked=<date>` ends a
key. Empty lines, and those that begin with `#`, say nothing.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

SECRET_BYTES = 32
ID_BYTES = 5  # eight letters and digits
KEY = re.compile(r"upsk_([a-z0-9]{4,32})_[A-Za-z0-9_-]{43}", re.ASCII)
# Also a part of a key, wherever it stands.
LOOKS_LIKE_KEY = re.compile(r"(upsk_[a-z0-9]+_)[A-Za-z0-9_-]+", re.ASCII)

ID = re.compile(r"[a-z0-9]{4,32}", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}", re.ASCII)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
MEGAPIXELS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?", re.ASCII)
MAX_LABEL = 100

REQUIRED = ("id", "sha256", "owner", "expires")
FIELDS = (*REQUIRED, "megapixels-per-hour", "revoked", "label")
NEVER = "never"
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
    """A key is not valid. `key_id`: of its line in the file; None unless whoever sent it has the secret of that line."""

    def __init__(self, reason: Refusal, key_id: str | None = None) -> None:
        super().__init__(reason, key_id)
        self.reason = reason
        self.key_id = key_id


@dataclass(frozen=True)
class ApiKey:
    """A line of the file.

    `sha256`: of the key, in hex; `owner`: whose jobs and rates the key is for, the same for all keys of one owner;
    `expires`: the last day on which it is valid; `revoked`: the day on which it was ended; both in UTC; None: never.
    `megapixels_per_hour`: that the owner may send with it; None: as the service's setting says.
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

    def line(self) -> str:
        """As the file has it, without the line's end."""
        values = {
            "id": self.id,
            "sha256": self.sha256,
            "owner": self.owner,
            "expires": NEVER if self.expires is None else self.expires.isoformat(),
            "megapixels-per-hour": None if self.megapixels_per_hour is None else f"{self.megapixels_per_hour:.12g}",
            "revoked": None if self.revoked is None else self.revoked.isoformat(),
            "label": self.label or None,
        }
        return " ".join(f"{name}={value}" for name, value in values.items() if value is not None)


class ApiKeys:
    """The keys of a file, which do not change.

    Args:
        keys: with different ids.
    """

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._by_id: Mapping[str, ApiKey] = {key.id: key for key in keys}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[ApiKey]:
        return iter(self._by_id.values())

    def active(self, today: date) -> int:
        """How many are valid."""
        return sum(key.state(today) is KeyState.ACTIVE for key in self)

    def find(self, key: str, today: date) -> ApiKey:
        """The line of a key. It takes as long whether or not the id is known, so that time tells nothing about ids.

        Args:
            key: that a client has sent, any text.
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
    """What the file has of a key, in hex."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_key(ids: Collection[str]) -> tuple[str, str]:
    """Make a key. Returns its id, which is none of `ids`, and the key."""
    key_id = base64.b32encode(secrets.token_bytes(ID_BYTES)).decode().lower()
    if key_id in ids:
        return new_key(ids)
    return key_id, f"upsk_{key_id}_{secrets.token_urlsafe(SECRET_BYTES)}"


def redacted(text: str) -> str:
    """A text without the secrets of keys in it."""
    return LOOKS_LIKE_KEY.sub(r"\1…", text) if "upsk_" in text else text


def parse_keys(text: str) -> ApiKeys:
    """Read the lines of a file.

    Raises:
        ValueError: a line is invalid; the message has its number, and no secret.
    """
    lines: dict[str, int] = {}
    keys = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            key = parse_line(stripped)
            if key.id in lines:
                raise ValueError(f"the id {key.id} is that of line {lines[key.id]}, too")
        except ValueError as exc:
            raise ValueError(f"line {number}: {exc}") from exc
        lines[key.id] = number
        keys.append(key)
    return ApiKeys(keys)


def parse_line(line: str) -> ApiKey:
    """Read a line with a key.

    Raises:
        ValueError: it is invalid; the message repeats names and short values at most.
    """
    rest, *label = re.split(r"(?:^|\s)label=", line, maxsplit=1)
    values: dict[str, str] = {}
    for word in rest.split():
        name, equals, value = word.partition("=")
        if not equals or name not in FIELDS:
            raise ValueError(f"{redacted(word)[:40]!r} is no field; they are {', '.join(f'{each}=' for each in FIELDS)}")
        if name in values:
            raise ValueError(f"{name}= is given twice")
        values[name] = value
    if missing := [name for name in REQUIRED if name not in values]:
        raise ValueError(f"{', '.join(f'{each}=' for each in missing)} is missing")
    if not SHA256.fullmatch(values["sha256"]):
        raise ValueError("sha256= must have 64 hex digits in lower case")
    expires, revoked = values["expires"], values.get("revoked")
    return ApiKey(
        id=_matched("id", values["id"], ID, "4 to 32 letters in lower case and digits"),
        sha256=values["sha256"],
        owner=checked_owner(values["owner"]),
        expires=None if expires == NEVER else _date("expires", expires, f", or {NEVER}"),
        megapixels_per_hour=_megapixels(values.get("megapixels-per-hour")),
        revoked=None if revoked is None else _date("revoked", revoked),
        label=checked_label("".join(label)),
    )


def checked_owner(owner: str) -> str:
    """An owner's name.

    Raises:
        ValueError: it can't be one.
    """
    return _matched("owner", owner, OWNER, "1 to 64 letters, digits and . _ @ + -, and begin with a letter or a digit")


def checked_label(label: str) -> str:
    """A label without spaces around it.

    Raises:
        ValueError: it can't be one.
    """
    label = label.strip()
    if len(label) > MAX_LABEL or not label.isprintable():
        raise ValueError(f"label= must have at most {MAX_LABEL} characters, and none that can't be seen")
    return label


def _matched(name: str, value: str, pattern: re.Pattern[str], what: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError(f"{name}={redacted(value)[:80]!r} must have {what}")
    return value


def _date(name: str, value: str, alternative: str = "") -> date:
    try:
        if DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:  # such as the 30th of February
        pass
    raise ValueError(f"{name}={redacted(value)[:40]!r} must be a day, such as 2027-11-28{alternative}")


def _megapixels(value: str | None) -> float | None:
    if value is None:
        return None
    if not MEGAPIXELS.fullmatch(value) or float(value) == 0:
        raise ValueError(f"megapixels-per-hour={redacted(value)[:40]!r} must be a number above 0, such as 500")
    return float(value)
