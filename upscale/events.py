"""Server-sent events, read. (WHATWG HTML, 9.2)"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from upscale.errors import Failed


def read_events(lines: Iterable[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events' names and data, as they come; comments are left out, and an event that was cut off, too.

    Raises:
        Failed: the data of one is not a JSON object.
    """
    name, data = "", list[bytes]()
    for line in lines:
        field, _, value = line.rstrip(b"\r\n").partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value.decode(errors="replace")
        elif field == b"data":
            data.append(value)
        elif not line.strip() and data:
            yield name, _parsed(b"\n".join(data))
            name, data = "", []


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except ValueError as exc:
        raise Failed(f"the service sent an event that is no JSON: {exc}") from exc
    if not isinstance(parsed, dict):
        raise Failed("the service sent an event that is no JSON object")
    return parsed
