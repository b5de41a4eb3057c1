"""How long a step may take, and what follows for the size of gigantic pictures.

A block is as long as it is planned to be. Cutting and joining grow with the picture, and are one step each: what would
take too long is refused when it is sent.
"""

from superscaling.format_name import FormatName

# RabbitMQ takes a message back after 30 min (`consumer_timeout`): a step that takes longer would be done for ever.
STEP_SECONDS = 1500
# Of these, what a process that cuts or joins may take; the rest is for what comes before and after it.
PROCESS_SECONDS = 1200.0
# Seconds for a megapixel of the picture that is cut, and of the result that is joined. Each is more than twice what was
# measured on one core, from the source to the stored file: 0.15 for 16 bits on its side, and 0.04 for JPEG, 0.1 for 8
# bits and 0.25 for 16 bits by Deflate.
CUTTING = 0.6
JOINING_JPEG, JOINING_8_BITS, JOINING_16_BITS = 0.1, 0.3, 0.6


def most_pixels_cut() -> int:
    """The most px of a picture that can be cut in time."""
    return int(PROCESS_SECONDS / CUTTING * 1e6)


def most_pixels_joined(name: FormatName, is_16_bit: bool) -> int:
    """The most px of a result that can be joined in time."""
    seconds = JOINING_JPEG if name is FormatName.JPEG else JOINING_16_BITS if is_16_bit else JOINING_8_BITS
    return int(PROCESS_SECONDS / seconds * 1e6)
