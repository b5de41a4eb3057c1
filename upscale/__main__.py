"""Entry point of `python -m upscale` and of the installed command `upscale`."""

import sys


def main() -> None:
    """Run the command line and exit with its status."""
    # Imported late, so that a Ctrl-C during the imports also ends the program without a traceback.
    try:
        from upscale.command_line import run_command

        status = run_command()
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    main()
