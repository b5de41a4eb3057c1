"""Training steps, several per call, so that a GPU does not wait for Python between steps."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from training.degradation import Pixels

Loss = Callable[[Any, Any], Any]
Steps = Callable[[Pixels, Pixels], float]


def steps_of(network: Any, optimizer: Any, loss: Loss, edge: int) -> Steps:
    """Make a function that trains a network, for the current Keras backend.

    Args:
        network: maps RGB in [0, 1], (n, h, w, 3), to the enlarged image.
        optimizer: for its weights; its learning rate is read at each call.
        loss: of (n, h, w, 3) in [0, 255] and the output, to the loss of each patch, (n,).
        edge: edge of a patch in low-resolution px.

    Returns:
        A function of low-resolution patches (steps, n, edge, edge, 3) and their originals (steps, n, edge * scale,
        edge * scale, 3), uint8 (a quarter of the transfer of float32), to the mean loss.
    """
    levels = keras.Input((edge, edge, 3), dtype="uint8")
    model = keras.Model(levels, network(keras.layers.Rescaling(1 / 255)(levels)))
    optimizer.build(model.trainable_variables)
    make = _compiled if keras.backend.backend() == "jax" else _one_by_one
    return make(model, optimizer, loss)


def _one_by_one(model: Any, optimizer: Any, loss: Loss) -> Steps:
    """Train by `train_on_batch`, without XLA, which is slower with TensorFlow on a CPU."""
    model.compile(optimizer, loss=loss, jit_compile=False)

    def train(low: Pixels, high: Pixels) -> float:
        return float(np.mean([model.train_on_batch(*batch) for batch in zip(low, high, strict=True)]))

    return train


def _compiled(model: Any, optimizer: Any, loss: Loss) -> Steps:
    """Train with all steps of a call in one compiled function (`jax.lax.scan`), as in Keras's guide to JAX.

    `train_on_batch` returns to Python after each step, which takes 15 ms with fifty layers: longer than the step on a
    GPU.
    """
    import jax

    def loss_of(weights: Any, low: Any, high: Any) -> Any:
        output, _ = model.stateless_call(weights, [], low, training=True)
        return ops.mean(loss(high, output))

    def step(state: Any, batch: Any) -> Any:
        weights, moments = state
        mean, gradients = jax.value_and_grad(loss_of)(weights, *batch)
        return optimizer.stateless_apply(moments, gradients, weights), mean

    steps = jax.jit(lambda state, low, high: jax.lax.scan(step, state, (low, high)))

    def train(low: Pixels, high: Pixels) -> float:
        variables = model.trainable_variables, optimizer.variables
        state, losses = steps(tuple([each.value for each in group] for group in variables), low, high)
        for group, values in zip(variables, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return float(ops.mean(losses))

    return train
