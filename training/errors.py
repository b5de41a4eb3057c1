"""What the training refuses, with one line that says why."""


class TrainingError(Exception):
    """The training can't start, or can't go on, with what it was given."""
