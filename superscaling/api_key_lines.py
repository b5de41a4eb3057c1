"""The lines of a file of API keys. One is

    id=k3j7q2ma sha256=<64 hex digits> owner=anna expires=2027-11-28 megapixels-per-hour=500 label=Laptop at home

The first four fields are needed; `expires=never` is said, too. `label=` is the last, and reaches to the line's end.
`revoked=<day>` ends a key. Empty lines, and those that begin with `#`, say nothing.
"""

import contextlib
import re
from datetime import date

from superscaling.api_keys import ApiKey, ApiKeys, redacted

ID = re.compile(r"[a-z0-9]{4,32}")
SHA256 = re.compile(r"[0-9a-f]{64}")
OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MEGAPIXELS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?")
LABEL = re.compile(r"(?:^|\s)label=")
MAX_LABEL = 100
# Characters of what is wrong in a line that its error repeats.
MAX_REPEATED = 40

REQUIRED = ("id", "sha256", "owner", "expires")
FIELDS = (*REQUIRED, "megapixels-per-hour", "revoked", "label")
NEVER = "never"


def parse_keys(text: str) -> ApiKeys:
    """Read the lines of a file.

    Raises:
        ValueError: a line is invalid; the message has its number, and no secret.
    """
    keys: dict[str, ApiKey] = {}
    for number, line in enumerate(text.split("\n"), 1):
        try:
            key = parse_line(line)
            if key is not None and key.id in keys:
                raise ValueError(f"the id {key.id} is that of a line above")
        except ValueError as exc:
            raise ValueError(f"line {number}: {exc}") from exc
        if key is not None:
            keys[key.id] = key
    return ApiKeys(keys.values())


def parse_line(line: str) -> ApiKey | None:
    """Read a line; None: it says nothing.

    Raises:
        ValueError: it is invalid.
    """
    line = line.strip()
    if not line or line.startswith("#"):
        return None
    rest, *label = LABEL.split(line, maxsplit=1)
    values: dict[str, str] = {}
    for word in rest.split():
        name, equals, value = word.partition("=")
        if not equals or name not in FIELDS:
            raise ValueError(f"{_repeated(word)} is no field; they are {', '.join(f'{each}=' for each in FIELDS)}")
        if name in values:
            raise ValueError(f"{name}= is there twice")
        values[name] = value
    if missing := [f"{name}=" for name in REQUIRED if name not in values]:
        raise ValueError(f"{', '.join(missing)} is missing")
    expires, revoked, megapixels = values["expires"], values.get("revoked"), values.get("megapixels-per-hour")
    return ApiKey(
        id=_matched("id", values["id"], ID, "must have 4 to 32 letters in lower case and digits"),
        sha256=_matched("sha256", values["sha256"], SHA256, "must have 64 hex digits in lower case"),
        owner=checked_owner(values["owner"]),
        expires=None if expires == NEVER else _day("expires", expires, f", or {NEVER}"),
        megapixels_per_hour=None if megapixels is None else checked_megapixels(megapixels),
        revoked=None if revoked is None else _day("revoked", revoked),
        label=checked_label("".join(label)),
    )


def write_line(key: ApiKey) -> str:
    """The line of a key, without its end."""
    values = {
        "id": key.id,
        "sha256": key.sha256,
        "owner": key.owner,
        "expires": NEVER if key.expires is None else key.expires.isoformat(),
        "megapixels-per-hour": None if key.megapixels_per_hour is None else f"{key.megapixels_per_hour:.12g}",
        "revoked": None if key.revoked is None else key.revoked.isoformat(),
        "label": key.label or None,
    }
    return " ".join(f"{name}={value}" for name, value in values.items() if value is not None)


def checked_owner(owner: str) -> str:
    """An owner's name.

    Raises:
        ValueError: it can't be one.
    """
    allowed = "must have 1 to 64 letters, digits and . _ @ + -, and begin with a letter or a digit"
    return _without_key(_matched("owner", owner, OWNER, allowed))


def checked_label(label: str) -> str:
    """A label without spaces around it.

    Raises:
        ValueError: it can't be one.
    """
    label = label.strip()
    if len(label) > MAX_LABEL or not label.isprintable():
        raise ValueError(f"label= must have at most {MAX_LABEL} characters, and none that can't be seen")
    return _without_key(label)


def checked_megapixels(text: str) -> float:
    """A budget in megapixels per hour.

    Raises:
        ValueError: it can't be one.
    """
    allowed = "must be a number above 0, such as 500 or 0.5"
    number = float(_matched("megapixels-per-hour", text, MEGAPIXELS, allowed))
    if number == 0:
        raise ValueError(f"megapixels-per-hour= {allowed}")
    return number


def _matched(name: str, value: str, pattern: re.Pattern[str], allowed: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError(f"{name}={_repeated(value)} {allowed}")
    return value


def _without_key(text: str) -> str:
    """A text that will be shown."""
    if redacted(text) != text:
        raise ValueError("a key must not stand in its file")
    return text


def _day(name: str, value: str, alternative: str = "") -> date:
    allowed = f"must be a day, such as 2027-11-28{alternative}"
    text = _matched(name, value, DAY, allowed)
    with contextlib.suppress(ValueError):  # such as the 30th of February
        return date.fromisoformat(text)
    raise ValueError(f"{name}={_repeated(value)} {allowed}")


def _repeated(value: str) -> str:
    return repr(redacted(value)[:MAX_REPEATED])
