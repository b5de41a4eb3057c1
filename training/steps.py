"""Steps of training, several per call: a GPU must not wait for Python between two of them."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from training.degradation import Pixels
from training.loss import psnr_loss, taught_loss

Step = Callable[[Pixels, Pixels], float]


def steps_of(network: Any, optimizer: Any, edge: int, teacher: Any = None) -> Step:
    """What trains a network, by Keras's backend.

    JAX does all steps of a call in one compiled function (Keras's own loop returns to Python after each, for 15 ms
    where the network has fifty layers). The others do one after the other, not compiled: TensorFlow on a CPU is slower
    with it, and PyTorch does without.

    Args:
        network: from pictures with values from 0 to 1, as `network.build_network` builds it.
        optimizer: of its weights; its learning rate is read before each call.
        edge: of a patch, in px of the small picture.
        teacher: another network, which is to be learnt from as well; see `loss.taught_loss`.

    Returns:
        A function of small patches (steps, n, edge, edge, 3) and sharp ones (steps, n, edge * scale, edge * scale, 3)
        that returns the mean loss. Both are levels: uint8 makes a quarter of the traffic to a GPU.
    """
    levels = keras.Input((edge, edge, 3), dtype="uint8")
    values = keras.layers.Rescaling(1 / 255)(levels)
    model = keras.Model(levels, network(values))
    teach = teacher and keras.Model(levels, keras.layers.Rescaling(255)(teacher(values)))
    optimizer.build(model.trainable_variables)
    make = _compiled if keras.backend.backend() == "jax" else _one_by_one
    return make(model, optimizer, teach)


def _one_by_one(model: Any, optimizer: Any, teach: Any) -> Step:
    """Keras's own way."""
    model.compile(optimizer, loss=taught_loss if teach else psnr_loss, jit_compile=False)

    def train(low: Pixels, high: Pixels) -> float:
        losses = []
        for given, target in zip(low, high, strict=True):
            if teach:
                target = np.concatenate([teach.predict_on_batch(given), target], axis=-1)
            losses.append(model.train_on_batch(given, target))
        return float(np.mean(losses))

    return train


def _compiled(model: Any, optimizer: Any, teach: Any) -> Step:
    """The loop of Keras's guide to JAX, as one function of everything that changes."""
    import jax

    def loss_of(weights: Any, low: Any, target: Any) -> Any:
        output, _ = model.stateless_call(weights, [], low, training=True)
        return ops.mean((taught_loss if teach else psnr_loss)(target, output))

    def step(state: Any, batch: Any) -> Any:
        weights, moments = state
        low, target = batch
        if teach:
            target = ops.concatenate([teach(low), ops.cast(target, "float32")], axis=-1)
        mean, gradients = jax.value_and_grad(loss_of)(weights, low, target)
        return optimizer.stateless_apply(moments, gradients, weights), mean

    @jax.jit
    def steps(state: Any, low: Any, high: Any) -> Any:
        return jax.lax.scan(step, state, (low, high))

    def train(low: Pixels, high: Pixels) -> float:
        variables = model.trainable_variables, optimizer.variables
        state = tuple([each.value for each in group] for group in variables)
        state, losses = steps(state, low, high)
        for group, values in zip(variables, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return float(ops.mean(losses))

    return train
