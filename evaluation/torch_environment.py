"""The environment with PyTorch, which `make bench` and `make compare` make; the product's locks know nothing of it."""

from evaluation.errors import MeasurementError
from superscaling.settings import ROOT

ENVIRONMENT = ROOT / ".venv-bench"
PYTHON = ENVIRONMENT / "bin" / "python"


def require(command: str) -> None:
    """Make sure that the environment is there.

    Raises:
        MeasurementError: it is missing.
    """
    if not PYTHON.is_file():
        raise MeasurementError(f"{ENVIRONMENT.name} is missing: run `{command}`, which creates it")
