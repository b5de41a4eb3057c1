"""What is said when a process that reads an image file fails."""

import signal

from superscaling.errors import DecoderUnavailable, ImageUndecodable

# Seconds after which a client may try again when there was no decoder: others have ended by then, or been started.
RETRY_AFTER = 5
WAY_OUT = "it may be damaged: save it again with another program"


def unavailable(detail: str) -> DecoderUnavailable:
    """There is no process. (To be raised.)"""
    return DecoderUnavailable(detail, retry_after=RETRY_AFTER)


def not_started() -> DecoderUnavailable:
    """The process can't be started. (To be raised.)"""
    return unavailable("the decoder can't be started at the moment: try again later")


def ended_by(number: int | None) -> ImageUndecodable | DecoderUnavailable:
    """The process was ended by a signal, or ended by itself (None). (To be raised.)"""
    if number == signal.SIGKILL:
        return unavailable(
            "the decoder was killed, as the system does when memory runs out: send the image again when the service is"
            " less busy"
        )
    return ImageUndecodable(f"the image crashed the decoder: {WAY_OUT}", "crash")


def encoder_ended() -> DecoderUnavailable:
    """The process has ended while it wrote a result, or had no memory for that. (To be raised.)"""
    return unavailable(
        "the result could not be written, perhaps for lack of memory: try again later, or ask for another format or a"
        " smaller result"
    )
