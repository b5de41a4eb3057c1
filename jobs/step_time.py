"""How long a step may take, and what follows for the size of gigantic pictures.

A block is as long as it is planned to be. Cutting and joining grow with the picture, and are one step each: what would
take too long is refused when it is sent.
"""

from superscaling.format_name import FormatName

# RabbitMQ takes a message back after 30 min (`consumer_timeout`): a step that takes longer would be done for ever.
STEP_SECONDS = 1500
# Of these, what a process that cuts or joins may take; the rest is for what comes before and after it.
PROCESS_SECONDS = 1200.0
# Seconds for a megapixel of the picture that is cut, and of the result that is joined. One core took 0.07 for decoding
# (16 bits, on its side), and for encoding 0.02 (JPEG), 0.08 (Deflate, 8 bits) and 0.2 (16 bits). Here it is three times
# that and more: cores are slower or shared, and the pixels go to the store and back.
CUTTING = 0.6
JOINING_JPEG, JOINING_8_BITS, JOINING_16_BITS = 0.1, 0.3, 0.6


def most_pixels_cut() -> int:
    """The most px of a picture that can be cut in time."""
    return int(PROCESS_SECONDS / CUTTING * 1e6)


def most_pixels_joined(name: FormatName, is_16_bit: bool) -> int:
    """The most px of a result that can be joined in time."""
    seconds = JOINING_JPEG if name is FormatName.JPEG else JOINING_16_BITS if is_16_bit else JOINING_8_BITS
    return int(PROCESS_SECONDS / seconds * 1e6)
