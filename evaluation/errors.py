"""What a measurement refuses, with one line that says why."""


class MeasurementError(Exception):
    """The measurement can't be made with what it was given."""
