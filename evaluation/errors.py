"""What a measurement refuses, with one line that says why."""


class BenchmarkError(Exception):
    """The measurement can't be made with what it was given."""
