"""Ask the service on this machine whether it is ready: exit status 0, or 1 and a line that says why not.

    python -m superscaling.commands.health

For a container's health check: it needs nothing but Python, and asks the port and address that the settings name.
"""

import json
import sys
from http.client import HTTPConnection, HTTPException

from superscaling.errors import SettingInvalid
from superscaling.settings import Settings, read_settings

PATIENCE = 4.0  # s: less than the health check of the Dockerfile has
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def why_not(settings: Settings) -> str | None:
    """Ask `/readyz`; None where the service is ready, else the reason."""
    connection = HTTPConnection(EVERYWHERE.get(settings.host, settings.host), settings.port, timeout=PATIENCE)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return None if response.status == 200 else f"{response.status} {_detail(response.read())}"
    except (OSError, HTTPException) as exc:
        return f"no answer from {settings.host} port {settings.port}: {exc or type(exc).__name__}"
    finally:
        connection.close()


def _detail(problem: bytes) -> str:
    try:
        return str(json.loads(problem)["detail"])
    except (ValueError, KeyError, TypeError):
        return "without a problem document"


def main() -> int:
    """Ask; returns the exit status."""
    try:
        reason = why_not(read_settings())
    except SettingInvalid as exc:
        reason = str(exc)
    if reason is not None:
        print(f"not ready: {reason}", file=sys.stderr)
    return 0 if reason is None else 1


if __name__ == "__main__":
    sys.exit(main())
