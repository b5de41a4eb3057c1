"""The reference engine: ISR's own network on TensorFlow. The only module that imports tensorflow or ISR."""

import contextlib
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Importing ISR opens ./log_file for writing, so it is imported in a scratch directory. It also installs a log handler,
# which would break the log format.
with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
    import ISR.models
isr_models = ISR.models
for handler in (isr_logger := logging.getLogger("ISR.utils.utils")).handlers[:]:
    isr_logger.removeHandler(handler)
    handler.close()

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from superscaling.engines.engine import EngineFacts
from superscaling.models import Architecture, ModelFiles
from superscaling.settings import invalid


def build_isr(architecture: Architecture) -> Any:
    """Build ISR's `RDN` of this architecture, with random weights; its Keras model is `.model`."""
    return isr_models.RDN(arch_params=architecture.arch_params, upscaling=architecture.upscaling)


def load_isr(architecture: Architecture, weights: Path) -> Any:
    """Build ISR's `RDN` and load a weight file: Keras 3 (`.weights.h5`) or the legacy layout (`.hdf5`)."""
    isr = build_isr(architecture)
    isr.model.load_weights(weights)
    return isr


def as_function(isr: Any) -> Any:
    """ISR's network as one TensorFlow function for pictures of all sizes, so that it is traced once."""
    return tf.function(isr.model, input_signature=[tf.TensorSpec((1, None, None, 3), tf.float32)])


def export_isr(isr: Any, path: Path) -> None:
    """Save ISR's network at `path` (.pb) as a frozen graph with one input (1, h, w, 3), h and w dynamic."""
    frozen = convert_variables_to_constants_v2(as_function(isr).get_concrete_function())
    path.write_bytes(frozen.graph.as_graph_def().SerializeToString())


class EngineTensorFlow:
    """Runs ISR's own network, in fp32.

    Args:
        isr: an `RDN` with its weights.
        facts: of the engine.
    """

    def __init__(self, isr: Any, facts: EngineFacts) -> None:
        self.facts = facts
        self._function = as_function(isr)

    @classmethod
    def open(cls, model: ModelFiles, weights: Path, threads: int) -> "EngineTensorFlow":
        """Load `weights`, the verified weight file of `model`, to run on `threads` CPU threads.

        Raises:
            SettingInvalid: the model is not ISR's.
        """
        if model.architecture is None:
            raise invalid("engine", "tensorflow", f"{model.name} is no RDN, which is all that ISR loads; use openvino")
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        return cls(load_isr(model.architecture, weights), EngineFacts.of(model, "tensorflow", "fp32", threads))

    def infer(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Enlarge one picture, as `Engine` specifies."""
        return np.array(self._function(tf.constant(batch)))
