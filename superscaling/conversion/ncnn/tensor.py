"""What flows between layers."""

from dataclasses import dataclass
from typing import Any

from superscaling.conversion.ncnn.layer import Layer


@dataclass(frozen=True)
class Tensor:
    """A blob of ncnn, with OpenVINO's layout.

    `node`: of OpenVINO, (1, c, h, w) float32; `flat`: ncnn's blob has one dimension, of length c, and h and w are 1;
    `is_picture`: it is the network's input.
    """

    node: Any
    flat: bool = False
    is_picture: bool = False

    def channels(self, layer: Layer) -> int:
        """c.

        Raises:
            ModelUnavailable: it depends on the size of the picture; `layer` can't take that.
        """
        channels = self.node.output(0).get_partial_shape()[1]
        if channels.is_dynamic:
            raise layer.refuse("its input has a number of channels that depends on the size of the picture")
        return int(channels.get_length())

    def check_not_flat(self, layer: Layer) -> None:
        """Make sure that this is a picture, or features of one.

        Raises:
            ModelUnavailable: it has one dimension.
        """
        if self.flat:
            raise layer.refuse("its input has one dimension, and must have three")
