"""Reads PyTorch's weight files by spandrel, which knows their architectures. The only module that imports torch.

spandrel (MIT) is the loader of chaiNNer and ComfyUI. Its packages are optional: requirements-import.in.
"""

import importlib.util
import warnings
from pathlib import Path
from typing import Any

from superscaling.conversion.conventions import Convention, with_convention
from superscaling.conversion.cost import PROBES, check_cost
from superscaling.conversion.last_line import last_line
from superscaling.conversion.layout import NCHW, Layout
from superscaling.conversion.pickles import check_pickle
from superscaling.errors import ModelUnavailable

PACKAGES = ("torch", "torchvision", "spandrel", "safetensors")
HOW_TO_INSTALL = "install them with `pip install --no-deps --require-hashes -r requirements-import.txt`"
# Height and width in px of the picture that the network is traced on. They differ, so that the axes can be told apart.
TRACED = (64, 80)


def read_torch(path: Path) -> Any:
    """Read a weight file; returns an `openvino.Model` from (1, h, w, 3) to (1, s h, s w, 3), float32, RGB in [0, 1].

    Raises:
        ModelUnavailable: packages are missing, or the file has code in it, is damaged, or is no network from RGB to
            RGB that spandrel knows.
    """
    return convert_descriptor(load_descriptor(path))


def check_file(path: Path) -> None:
    """Check what can be known about a weight file without reading its network.

    Raises:
        ModelUnavailable: packages are missing, or the file has code in it.
    """
    if path.suffix.lower() != ".safetensors":
        check_pickle(path)  # before spandrel's own check: it needs no package, and its message is clearer
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        raise ModelUnavailable(f"reading {path.name} needs {', '.join(missing)}; {HOW_TO_INSTALL}")


def load_descriptor(path: Path) -> Any:
    """Read a weight file; returns spandrel's `ImageModelDescriptor`.

    Raises:
        ModelUnavailable: as `read_torch`.
    """
    check_file(path)
    import spandrel  # late: it loads PyTorch

    try:
        descriptor = spandrel.ModelLoader().load_from_file(path)
    except spandrel.UnsupportedModelError as exc:
        raise ModelUnavailable(f"{path.name}: spandrel does not know its architecture") from exc
    except Exception as exc:  # a damaged file makes PyTorch and safetensors raise anything
        raise ModelUnavailable(f"{path.name} can't be read: {last_line(exc)}") from exc
    if not isinstance(descriptor, spandrel.ImageModelDescriptor):
        raise ModelUnavailable(f"{path.name}: a network for {descriptor.purpose}, which needs more than a picture")
    channels = descriptor.input_channels, descriptor.output_channels
    if channels != (3, 3):
        raise ModelUnavailable(
            f"{path.name}: the network takes {channels[0]} channels and gives {channels[1]}: three are needed, RGB"
        )
    return descriptor


def convert_descriptor(descriptor: Any) -> Any:
    """Turn spandrel's network into an `openvino.Model`, as `read_torch` specifies.

    Raises:
        ModelUnavailable: OpenVINO can't convert it, or it costs too much.
    """
    import openvino
    import torch

    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the tracer, which can't know that the sizes vary as it assumes
            network = openvino.convert_model(
                descriptor.model.float().eval(),
                example_input=torch.rand(1, 3, *TRACED),
                input=[openvino.PartialShape([1, 3, -1, -1])],
            )
    except Exception as exc:  # anything, from two frameworks
        raise ModelUnavailable(
            f"{descriptor.architecture.name}: OpenVINO can't convert this network: {last_line(exc)}"
        ) from exc
    check_cost(network, [(1, 3, edge, edge) for edge in PROBES])
    return with_convention(network, Layout(NCHW, NCHW), Convention())
