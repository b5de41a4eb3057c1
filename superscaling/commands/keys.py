"""Make, list and revoke API keys.

    python -m superscaling.commands.keys new OWNER [--label TEXT] [--days N | --never] [--megapixels-per-hour N]
    python -m superscaling.commands.keys list
    python -m superscaling.commands.keys revoke ID

The keys are in the file that `--file` names, or the setting. A new key is printed once, alone on standard output; the
file has its SHA-256 only. A running service sees a change within a second. A failure prints one line; the exit status
is 1.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from superscaling.api_key_lines import NEVER, checked_label, checked_megapixels, checked_owner, parse_line, write_line
from superscaling.api_keys import ApiKey, ApiKeys, KeyState, new_key, sha256_of, today
from superscaling.api_keys_file import change_keys, read_keys
from superscaling.errors import ApiKeysInvalid, StartError
from superscaling.settings import environment_variable, read_settings

DAYS, MAX_DAYS = 365, 3650
Value = TypeVar("Value")
HEADINGS = ("ID", "OWNER", "STATE", "EXPIRES", "MEGAPIXELS/H", "LABEL")


def new(path: Path, arguments: argparse.Namespace) -> None:
    """Make a key: its line goes to the file, the key to standard output.

    Without a budget of its own, it has that of its owner's other keys.

    Raises:
        ApiKeysInvalid: these have different ones; or the file is invalid, or can't be changed.
    """
    made: list[tuple[ApiKey, str]] = []
    budget: float | None = arguments.megapixels_per_hour

    def append(text: str, keys: ApiKeys) -> str:
        key_id, secret = new_key([key.id for key in keys])
        expires = None if arguments.never else today() + timedelta(days=arguments.days)
        megapixels = _budget_of(arguments.owner, keys) if budget is None else budget
        key = ApiKey(key_id, sha256_of(secret), arguments.owner, expires, megapixels, label=arguments.label)
        made.append((key, secret))
        end = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{end}{write_line(key)}\n"

    change_keys(path, append)
    ((key, secret),) = made
    until = "it does not expire" if key.expires is None else f"it is valid until {key.expires}"
    if budget is None and key.megapixels_per_hour is not None:
        until += f"; its budget is that of {key.owner}'s other keys, {key.megapixels_per_hour:.12g} megapixels per hour"
    print(f"{key.id} of {key.owner} is in {path}; {until}. The key is shown only here:", file=sys.stderr)
    print(secret)


def _budget_of(owner: str, keys: ApiKeys) -> float | None:
    """The budget of an owner's valid keys; None: they have none, or there are no such keys.

    Raises:
        ApiKeysInvalid: they have different ones.
    """
    day = today()
    budgets = {key.megapixels_per_hour for key in keys if key.owner == owner and key.state(day) is KeyState.ACTIVE} or {
        None
    }
    if len(budgets) > 1:
        raise ApiKeysInvalid(
            f"the keys of {owner} have different budgets: choose that of the new one with --megapixels-per-hour"
        )
    return budgets.pop()


def show(path: Path, _: argparse.Namespace) -> None:
    """Print a table of the keys, without anything that is secret.

    Raises:
        ApiKeysInvalid: the file can't be read, or is invalid.
    """
    day = today()
    rows = [
        (
            key.id,
            key.owner,
            key.state(day).value,
            NEVER if key.expires is None else key.expires.isoformat(),
            "" if key.megapixels_per_hour is None else f"{key.megapixels_per_hour:.12g}",
            key.label,
        )
        for key in read_keys(path)
    ]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    for row in (HEADINGS, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def revoke(path: Path, arguments: argparse.Namespace) -> None:
    """End a key. Its line stays, so that its id tells whose it was. May be repeated.

    Raises:
        ApiKeysInvalid: there is no such key; or the file is missing, invalid, or can't be changed.
    """
    read_keys(path)  # what is missing is not made

    def ended(line: str) -> str:
        key = parse_line(line)
        if key is None or key.id != arguments.id or key.revoked:
            return line
        return write_line(replace(key, revoked=today()))

    def end(text: str, keys: ApiKeys) -> str:
        if arguments.id not in keys:
            raise ApiKeysInvalid(f"there is no key {arguments.id} in {path}")
        return "\n".join(map(ended, text.split("\n")))

    change_keys(path, end)
    print(f"{arguments.id} is revoked", file=sys.stderr)


def _checked(check: Callable[[str], Value]) -> Callable[[str], Value]:
    """A parser for the command line, whose errors say why."""

    def parse(text: str) -> Value:
        try:
            return check(text)
        except ValueError as exc:
            raise argparse.ArgumentTypeError(str(exc)) from exc

    return parse


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MAX_DAYS}; --never sets no end")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m superscaling.commands.keys", description=__doc__.partition("\n")[0] if __doc__ else None
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[Path, argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.add_argument("--file", type=Path, help=f"default: {environment_variable('api_keys_file')}")
        added.set_defaults(run=run)
        return added

    made = command("new", new, "make a key and print it, once")
    made.add_argument("owner", metavar="OWNER", type=_checked(checked_owner), help="whom jobs and rates belong to")
    made.add_argument("--label", type=_checked(checked_label), default="", help="what the key is for, in a few words")
    end = made.add_mutually_exclusive_group()
    end.add_argument("--days", type=_days, default=DAYS, help=f"how long it is valid; default: {DAYS}")
    end.add_argument("--never", action="store_true", help="it does not expire")
    made.add_argument(
        "--megapixels-per-hour",
        type=_checked(checked_megapixels),
        metavar="N",
        help="budget of this key alone; default: that of its owner's other valid keys, or else it shares the owner's",
    )
    command("list", show, "list the keys, without secrets")
    command("revoke", revoke, "end a key at once").add_argument("id", metavar="ID", help="as the list has it")
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = _parser().parse_args(words)
    try:
        path = arguments.file or read_settings().api_keys_file
        if path is None:
            raise ApiKeysInvalid(f"name the file of API keys with --file or {environment_variable('api_keys_file')}")
        arguments.run(path, arguments)
    except StartError as exc:
        print(str(exc), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
