"""Prepare the start of the server, then become gunicorn: `run.sh` runs it.

    python -m http_edge --config gunicorn.conf.py flask_app:app

The arguments are gunicorn's. If the service could not serve what the settings ask for, prints one line and exits with
status 1.
"""

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line."""
    # Until `prepare` has handlers of its own, and from then until gunicorn has: nothing is half done meanwhile.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    from superscaling.commands import prepare  # late: what they load takes a while
    from superscaling.engines import CPU
    from superscaling.settings import read_settings

    if status := prepare.main():
        sys.exit(status)
    # In this process, as both load much the same. The drivers of other devices would not survive gunicorn's fork.
    if read_settings().device != CPU:
        os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *sys.argv[1:]])
    from gunicorn.app.wsgiapp import run

    run(prog="gunicorn")


def _end(number: int, _: FrameType | None) -> None:
    os._exit(128 + number)  # an exception would be reported by whatever is being imported


if __name__ == "__main__":
    main()
