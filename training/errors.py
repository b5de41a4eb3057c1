"""The error of a training run that can't start or continue."""


class TrainingError(Exception):
    """The training can't start or continue. The message is one line that says why."""
