"""Ask the service on this machine whether it is ready. Exit status 0: ready; 1: not, and a line says why.

    python -m superscaling.commands.health

A health check for containers: needs only Python, and uses the address and port of the settings.
"""

import json
import sys
from http.client import HTTPConnection, HTTPException

from superscaling.errors import SettingInvalid
from superscaling.settings import Settings, read_settings

TIMEOUT = 4.0  # s, less than that of the Dockerfile's health check
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def why_not(settings: Settings) -> str | None:
    """Ask `/readyz`; returns the reason why the service is not ready, None if it is."""
    connection = HTTPConnection(EVERYWHERE.get(settings.host, settings.host), settings.port, timeout=TIMEOUT)
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
    """Run the command line; returns the exit status."""
    try:
        reason = why_not(read_settings())
    except SettingInvalid as exc:
        reason = str(exc)
    if reason is not None:
        print(f"not ready: {reason}", file=sys.stderr)
    return 0 if reason is None else 1


if __name__ == "__main__":
    sys.exit(main())
