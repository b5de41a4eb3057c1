"""Models: which there are, where their files are, and whether these are the right ones."""

from superscaling.models.acceptance import Acceptance
from superscaling.models.files import (
    DESCRIPTION,
    INT8_IR,
    INT8_IR_WEIGHTS,
    IR,
    IR_WEIGHTS,
    KNOWN_ANSWER,
    ModelFiles,
    read_model_files,
)
from superscaling.models.known_answer import KnownAnswer
from superscaling.models.sources import ANOTHER_CACHE, find_weights, hash_file, verify
from superscaling.models.store import (
    MODELS,
    directory_of,
    is_prepared,
    settings_of_models,
    shipped_models,
    weight_file_of,
    weights_of,
)
from superscaling.models.table import LARGE, LITE, SMALL, TABLE, Architecture, Kind, Weights

__all__ = [
    "ANOTHER_CACHE",
    "DESCRIPTION",
    "INT8_IR",
    "INT8_IR_WEIGHTS",
    "IR",
    "IR_WEIGHTS",
    "KNOWN_ANSWER",
    "LARGE",
    "LITE",
    "MODELS",
    "SMALL",
    "TABLE",
    "Acceptance",
    "Architecture",
    "Kind",
    "KnownAnswer",
    "ModelFiles",
    "Weights",
    "directory_of",
    "find_weights",
    "hash_file",
    "is_prepared",
    "read_model_files",
    "settings_of_models",
    "shipped_models",
    "verify",
    "weight_file_of",
    "weights_of",
]
