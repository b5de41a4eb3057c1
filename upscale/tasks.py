"""Decide which image becomes which file. Whatever can be rejected is rejected before any work."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from superscaling.format_name import FormatName
from upscale.errors import Failed, UsageError
from upscale.inputs import Inputs, Source, find_inputs, format_of
from upscale.options import check_options
from upscale.output import EXTENSIONS, READ_ONLY, check_target, format_named, suffix_of, with_extension

PIPE = "-"


@dataclass(frozen=True)
class Arguments:
    """The command line. None means that an option is not given.

    `model`: to be used in this process; `options`: what is asked of every image, as in the query of a request;
    `again`: do also what has a newer result; `jobs`:
    hand the images in as jobs, in the `group`; `key`: an API key of the service.
    """

    inputs: tuple[str, ...]
    output: str | None
    model: str | None
    format: FormatName | None
    options: Mapping[str, str]
    force: bool
    url: str | None
    retries: int
    quiet: bool
    jobs: bool = False
    group: str | None = None
    key: str | None = field(default=None, repr=False)
    again: bool = False


@dataclass(frozen=True)
class Task:
    """One image.

    `source` None is standard input, `target` None standard output. `format` is the requested one, if any. `replace`:
    whether the target may exist.
    """

    source: Path | None
    target: Path | None
    format: FormatName | None
    replace: bool

    @property
    def name(self) -> str:
        """What messages call the input."""
        return "standard input" if self.source is None else str(self.source)

    def options(self, arguments: Arguments) -> dict[str, str]:
        """What is asked of this image, as in the query of a request."""
        return {**arguments.options, **({} if self.format is None else {"format": self.format})}


@dataclass(frozen=True)
class Plan:
    """The tasks, the failures (names and reasons) that are known already, and notes to print.

    `finished`: how many images in folders are left alone, because they have a newer result.
    """

    tasks: list[Task]
    failures: list[tuple[str, str]]
    notes: list[str]
    finished: int = 0


def plan(arguments: Arguments) -> Plan:
    """Find the inputs and decide what each becomes.

    Raises:
        UsageError: an option is invalid, arguments contradict each other, or a result would overwrite another result
            or an input.
    """
    check_options(arguments.options, arguments.group)
    output = arguments.output
    if "" in arguments.inputs:
        raise UsageError("an input is an empty text: is the variable that should name it set?")
    if PIPE in arguments.inputs:
        return _plan_pipe(arguments)
    found = find_inputs(arguments.inputs, output)
    if found.several and output is not None and (output == PIPE or os.path.isfile(output)):
        raise UsageError(f"-o {output} takes one image; for several, name a folder")
    if output is not None and not found.several and not _is_folder(output):
        return _plan_one(arguments, output, found)
    tasks, finished = list[Task](), list[Task]()
    for source in found.sources:
        try:
            task = _task(source, arguments)
        except Failed as exc:
            found.failures.append((str(source.path), str(exc)))
            continue
        has_result = source.is_found and _is_newer(task)
        if has_result and not (arguments.force or arguments.again):
            finished.append(task)
        else:
            tasks.append(replace(task, replace=True) if has_result else task)
    _check_overlaps([*tasks, *finished])
    planned = _checked(tasks, found.failures, make_folder=output is not None)
    return replace(planned, notes=[*found.notes, *_notes_on(finished)], finished=len(finished))


def _is_folder(output: str) -> bool:
    return output.endswith(("/", os.sep)) or os.path.isdir(output)


def _plan_pipe(arguments: Arguments) -> Plan:
    output = arguments.output
    if len(arguments.inputs) > 1:
        raise UsageError("- is standard input and can't be combined with other inputs")
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("standard input is a terminal: redirect a file to it, as in `upscale - < in.jpg`")
    if output is not None and output != PIPE and _is_folder(output):
        raise UsageError(f"-o {output}: the result of standard input has no name: name a file, not a folder")
    return _one(arguments, None, PIPE if output is None else output, [])


def _plan_one(arguments: Arguments, output: str, found: Inputs) -> Plan:
    """Plan one image whose result has a name."""
    if not found.sources:
        return Plan([], found.failures, [])
    (source,) = found.sources
    if output != PIPE and not arguments.force and _is_same_file(source.path, output):
        raise UsageError(f"{output} would overwrite its input; --force allows it")
    return _one(arguments, source.path, output, found.failures)


def _one(arguments: Arguments, source: Path | None, output: str, failures: list[tuple[str, str]]) -> Plan:
    if output == PIPE:
        if sys.stdout is None or sys.stdout.isatty():
            raise UsageError("standard output is a terminal: name a file with -o, or use `> out.jpg`")
        return Plan([Task(source, None, arguments.format, arguments.force)], failures, [])
    named = format_named(Path(output))
    suffix = Path(output).suffix.lower()
    if named is None and (suffix in READ_ONLY or (suffix and arguments.format is None)):
        known = ", ".join(extensions[0] for extensions in EXTENSIONS.values())
        raise UsageError(f"-o {output}: {suffix} can't be written: name a file with one of {known}")
    if named is not None and arguments.format not in (None, named):
        raise UsageError(f"-o {output} contradicts --format {arguments.format}")
    task = Task(source, Path(output), arguments.format or named, arguments.force)
    return _checked([task], failures, make_folder=False)


def _task(source: Source, arguments: Arguments) -> Task:
    """Plan an image whose result has no name of its own: one of several, or one without -o.

    Raises:
        Failed: it is not an image, or can't be read.
    """
    if os.path.exists(source.path) and not os.path.isfile(source.path):
        raise Failed("is not a regular file: name its result with -o")  # a pipe can't be sniffed and read again
    own = format_of(source.path)
    name = arguments.format or own
    if arguments.output is None:
        target = source.path.with_name(with_extension(source.path, name, suffix_of(arguments.options)))
    else:
        target = Path(arguments.output, source.place.parent, with_extension(source.place, name))
    return Task(source.path, target, arguments.format, arguments.force)


def _is_same_file(one: Path, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _check_overlaps(tasks: list[Task]) -> None:
    sources = {os.path.realpath(task.name): task for task in tasks}
    results: dict[str, Task] = {}
    for task in tasks:
        place = os.path.realpath(str(task.target))
        if place in sources:
            raise UsageError(f"{task.target}, which {task.name} would become, is an input itself; nothing was done")
        if place in results:
            raise UsageError(
                f"{results[place].name} and {task.name} would both become {task.target}; nothing was done:"
                " run them separately, into different folders"
            )
        results[place] = task


def _is_newer(task: Task) -> bool:
    """Whether a result of an earlier run is there, and not older than its image."""
    try:
        return (
            task.source is not None
            and task.target is not None
            and (task.target.stat().st_mtime_ns >= task.source.stat().st_mtime_ns)
        )
    except OSError:
        return False


def _notes_on(finished: list[Task]) -> list[str]:
    have = "has a newer result" if len(finished) == 1 else "have newer results"
    return [f"skipped in folders: {len(finished)} that {have} (--again does them anyway)"] if finished else []


def _checked(tasks: list[Task], failures: list[tuple[str, str]], make_folder: bool) -> Plan:
    """Make the plan; tasks whose results can't be written become failures."""
    possible = []
    for task in tasks:
        try:
            if task.target is not None:
                check_target(task.target, replace=task.replace, make_folder=make_folder)
            possible.append(task)
        except Failed as exc:
            failures.append((task.name, str(exc)))
    return Plan(possible, failures, [])
