"""`python -m upscale`: see `--help`."""

import sys

if __name__ == "__main__":
    try:
        from upscale.command import main  # here: a Ctrl-C that comes this early ends the program quietly as well

        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
