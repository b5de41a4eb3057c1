"""Steps of training, several per call: a GPU must not wait for Python between two of them."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from training.degradation import Pixels

Loss = Callable[[Any, Any], Any]
Steps = Callable[[Pixels, Pixels], float]


def steps_of(network: Any, optimizer: Any, loss: Loss, edge: int) -> Steps:
    """What trains a network, by Keras's backend.

    Args:
        network: from pictures with values from 0 to 1; see `network.build_network`.
        optimizer: of its weights; what it has as its learning rate when the steps are called counts.
        loss: of a target in levels from 0 to 255 and an output, for each patch; see `loss.psnr_loss`.
        edge: of a patch, in px of the small picture.

    Returns:
        A function of small patches (steps, n, edge, edge, 3) and sharp ones (steps, n, edge * scale, edge * scale, 3),
        both uint8, which is a quarter of the traffic to a GPU. It returns the mean loss.
    """
    levels = keras.Input((edge, edge, 3), dtype="uint8")
    model = keras.Model(levels, network(keras.layers.Rescaling(1 / 255)(levels)))
    optimizer.build(model.trainable_variables)
    make = _compiled if keras.backend.backend() == "jax" else _one_by_one
    return make(model, optimizer, loss)


def _one_by_one(model: Any, optimizer: Any, loss: Loss) -> Steps:
    """By Keras's `train_on_batch`, without XLA, which makes TensorFlow slower on a CPU."""
    model.compile(optimizer, loss=loss, jit_compile=False)

    def train(low: Pixels, high: Pixels) -> float:
        return float(np.mean([model.train_on_batch(*batch) for batch in zip(low, high, strict=True)]))

    return train


def _compiled(model: Any, optimizer: Any, loss: Loss) -> Steps:
    """All steps of a call in one function (`jax.lax.scan`), of everything that changes, as Keras's guide to JAX has it.

    Keras's own way returns to Python after each step, for 15 ms where the network has fifty layers: longer than a GPU
    takes for the step.
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
