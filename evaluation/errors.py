"""The error of a measurement that can't be made."""


class MeasurementError(Exception):
    """The measurement can't be made from the given input. The message is one line that says why."""
