"""Entry point of `python -m upscale` and of the installed command `upscale`."""

import sys

from upscale.interrupts import ended_at_once


def main() -> None:
    """Run the command line and exit with its status."""
    # Imported late, so that a Ctrl-C during the imports also ends the program without a traceback.
    with ended_at_once():
        from upscale.command_line import run_command
    try:
        status = run_command()
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    main()
