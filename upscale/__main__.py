"""`python -m upscale`: see `--help`."""

import sys

if __name__ == "__main__":
    # Imported here: a Ctrl-C that comes this early ends the program quietly as well, and `--help` waits for little.
    try:
        from upscale.arguments import read_arguments

        arguments = read_arguments(sys.argv[1:])
        from upscale.command import main

        sys.exit(main(arguments))
    except KeyboardInterrupt:
        sys.exit(130)
