"""The command: plan, run."""

import logging
import signal
import sys
from dataclasses import replace

from superscaling.errors import SettingInvalid, StartError
from superscaling.settings import read_settings
from upscale.arguments import Arguments
from upscale.console import Console
from upscale.errors import UsageError
from upscale.jobs import plan
from upscale.names import shown
from upscale.run import FAILED, Enlarger, Run

WRONG_USAGE = 2


def main(arguments: Arguments) -> int:
    """Do what the command line says; returns the exit status."""
    _end_by_exception()
    console = Console(arguments.quiet)
    logging.getLogger().addHandler(console)
    try:
        return Run(arguments, _enlarger(arguments, console), console).run(plan(arguments))
    except (UsageError, SettingInvalid) as exc:
        print(f"upscale: {shown(exc)}", file=sys.stderr)
        return WRONG_USAGE
    except StartError as exc:
        print(f"upscale: {shown(exc)}", file=sys.stderr)
        return FAILED


def _enlarger(arguments: Arguments, console: Console) -> Enlarger:
    # Imported here: neither needs what the other does.
    if arguments.url is not None:
        from upscale.remote import Remote

        return Remote(arguments.url, arguments.retries, console.say)
    from upscale.local import Local

    settings = read_settings()
    return Local(settings if arguments.model is None else replace(settings, model=arguments.model))


def _end_by_exception() -> None:
    """Let SIGTERM and a closed terminal clean up as Ctrl-C does; where they are ignored (nohup), they stay so."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, lambda number, _: sys.exit(128 + number))
