"""`onError=original`: the image as it was sent, instead of an error.

For programs that show whatever the answer has, such as readers of comics: an image that is small is better than none.
It is sent back as the file that it is, never in JSON, so that it takes no more memory than it took to read it.
"""

from flask import Request, Response, g

from http_edge.answers import X_UPSCALER_NOTES, large_answer
from http_edge.negotiation import negotiate
from http_edge.problems import RETRY_AFTER, reported
from message_protocol import JSON, OnError, UpscaleInput
from superscaling.errors import ClientGone, RateExceeded, ServiceError
from superscaling.pictures import media_type_of, name_foreign_image, sniff


def wants_original(request: Request) -> bool:
    """Whether a request says so in its address, before its body is read, and its headers don't rule it out.

    Raises:
        NotAcceptable: `Accept` allows nothing that the service can answer.
    """
    if request.args.get("onError") != OnError.ORIGINAL or request.mimetype == JSON:  # JSON has its options inside
        return False
    return negotiate(request.headers.get("Accept", "")).answer_form(sent_json=False).is_image


def original_answer(message: UpscaleInput, error: ServiceError) -> Response:
    """Answer with the image that could not be enlarged, and say why in `X-Upscaler-Notes`.

    `Retry-After` says when it can be, if that is a matter of time. The log and the metrics of errors have the error all
    the same.

    Args:
        message: has the image.
        error: why it could not be enlarged.

    Raises:
        ServiceError: `error` itself, if nobody is there to take the image, or it is none; or if the client has used up
            its rate, which it has to be told.
    """
    image = message.image
    if isinstance(error, ClientGone | RateExceeded) or (sniff(image) is None and name_foreign_image(image) is None):
        raise error
    g.problem = reported(error, g.request_id)
    # The answer refers to the error until it is logged, and tracebacks to all that was read: nothing would be freed.
    error.__traceback__ = error.__context__ = error.__cause__ = None
    response = large_answer(image, media_type_of(image))
    why = error.detail.encode("ascii", "replace").decode()
    response.headers[X_UPSCALER_NOTES] = f"the image is unchanged: {why}"
    if error.retry_after is not None:
        response.headers[RETRY_AFTER] = str(error.retry_after)
    return response
