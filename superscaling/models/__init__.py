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
from superscaling.models.operator_files import (
    ALLOWED_NAME,
    LICENCE_UNKNOWN,
    NAME,
    imported_directory,
    is_path,
    weights_in,
)
from superscaling.models.sources import ANOTHER_CACHE, find_weights, hash_file, package_directory, verify
from superscaling.models.store import (
    MODELS,
    directory_of,
    field_of,
    is_prepared,
    is_ready_made,
    known_models,
    model_of,
    name_of,
    settings_of_models,
    shipped_models,
    weight_file_of,
    weights_of,
)
from superscaling.models.table import LARGE, LITE, SMALL, TABLE
from superscaling.models.weights import Architecture, FileFormat, Kind, Package, Weights

__all__ = [
    "ALLOWED_NAME",
    "ANOTHER_CACHE",
    "DESCRIPTION",
    "INT8_IR",
    "INT8_IR_WEIGHTS",
    "IR",
    "IR_WEIGHTS",
    "KNOWN_ANSWER",
    "LARGE",
    "LICENCE_UNKNOWN",
    "LITE",
    "MODELS",
    "NAME",
    "SMALL",
    "TABLE",
    "Acceptance",
    "Architecture",
    "FileFormat",
    "Kind",
    "KnownAnswer",
    "ModelFiles",
    "Package",
    "Weights",
    "directory_of",
    "field_of",
    "find_weights",
    "hash_file",
    "imported_directory",
    "is_path",
    "is_prepared",
    "is_ready_made",
    "known_models",
    "model_of",
    "name_of",
    "package_directory",
    "read_model_files",
    "settings_of_models",
    "shipped_models",
    "verify",
    "weight_file_of",
    "weights_in",
    "weights_of",
]
