"""Every error this service raises on purpose.

Exception
* ServiceError                  a request failed; carries what the problem document says
    x MalformedMessage          400
    x NotAcceptable             406
    x BodyTimeout               408
    x BodyTooLarge              413
    x UnsupportedMedia          415
        + UnsupportedImage      415
    x Unprocessable             422
        + ImageCorrupt          422
        + ImageTooLarge         422
        + TooManyFrames         422
        + ImageTooComplex       422
        + UnsupportedMode       422
        + FormatCannotHold      422
        + EstimateOverDeadline  422
    x ClientGone                499, seen in the log only
    x TooManyRequests           429
        + QueueFull             429
    x Unavailable               503
        + EngineFailed          503
        + ServiceStopping       503
    x DeadlinePassed            504
* StartError                    the service can't start; the message is the one line the operator reads
    x SettingInvalid
    x ModelUnavailable
    x WeightsRefused
"""

from http import HTTPStatus


class ServiceError(Exception):
    """A request failed in a way the client is told about.

    `detail` speaks of the picture, the limit and what the client can do; `limit` and `actual` are numbers in the unit
    that `detail` names; `setting` is the field of `Settings` with which an operator raises the limit; `retry_after`
    are whole seconds.
    """

    status = 500
    code = "internal_error"
    title = "The service has a defect"

    def __init__(
        self,
        detail: str,
        *,
        limit: float | None = None,
        actual: float | None = None,
        setting: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.limit = limit
        self.actual = actual
        self.setting = setting
        self.retry_after = retry_after


# By RFC 9110; Python has older phrases before 3.13.
PHRASES = {414: "URI Too Long", 416: "Range Not Satisfiable"}


def http_error(status: int, detail: str) -> ServiceError:
    """An error that only HTTP knows, such as 404: title and code are made of the status's own phrase."""
    error = ServiceError(detail)
    error.status, error.title = status, PHRASES.get(status) or HTTPStatus(status).phrase
    error.code = error.title.lower().replace(" ", "_").replace("-", "_")
    return error


class MalformedMessage(ServiceError):
    """The request is not a message of the protocol: JSON, a field, an option or the base64 is wrong."""

    status = 400
    code = "malformed_message"
    title = "The request is not a valid message"


class NotAcceptable(ServiceError):
    """`Accept` (and `format`) leave nothing this service can answer with."""

    status = 406
    code = "not_acceptable"
    title = "No acceptable form of the answer"


class BodyTimeout(ServiceError):
    """The body was not complete in time."""

    status = 408
    code = "body_timeout"
    title = "The request body took too long"


class BodyTooLarge(ServiceError):
    """The body has more bytes than the service reads."""

    status = 413
    code = "body_too_large"
    title = "The request body is too large"


class UnsupportedMedia(ServiceError):
    """The request's content type is none that the service reads."""

    status = 415
    code = "unsupported_media_type"
    title = "The content type is not supported"


class UnsupportedImage(UnsupportedMedia):
    """The bytes are no image of a supported format."""

    code = "unsupported_image_format"
    title = "The image format is not supported"


class Unprocessable(ServiceError):
    """The image was understood and can't be enlarged as asked."""

    status = 422
    code = "unprocessable"
    title = "The image can't be processed"


class ImageCorrupt(Unprocessable):
    """The decoder found the image truncated or damaged."""

    code = "image_corrupt"
    title = "The image is truncated or corrupt"


class ImageTooLarge(Unprocessable):
    """The image has more pixels than the service accepts."""

    code = "image_too_large"
    title = "The image has too many pixels"


class TooManyFrames(Unprocessable):
    """The animation or document has more frames or pages than the service accepts."""

    code = "too_many_frames"
    title = "The image has too many frames"


class ImageTooComplex(Unprocessable):
    """The image has far more parts than real pictures have."""

    code = "image_too_complex"
    title = "The image is too complex"


class UnsupportedMode(Unprocessable):
    """The image is of a supported format, in a variant that is not."""

    code = "unsupported_image_mode"
    title = "This variant of the image format is not supported"


class FormatCannotHold(Unprocessable):
    """The wanted format can't store the result without losing part of it."""

    code = "format_cannot_hold"
    title = "The wanted format can't hold the result"


class EstimateOverDeadline(Unprocessable):
    """The work would take longer than the service lets a request take."""

    code = "estimate_over_deadline"
    title = "The image would take too long"


class TooManyRequests(ServiceError):
    """Every request slot is taken."""

    status = 429
    code = "too_many_requests"
    title = "The service is busy"


class QueueFull(TooManyRequests):
    """The pictures that are worked on leave no room, in memory or in time, for this one."""

    code = "queue_full"


class ClientGone(ServiceError):
    """The client hung up before it was answered."""

    status = 499
    code = "client_closed_request"
    title = "The client hung up"


class Unavailable(ServiceError):
    """The service can't work at the moment."""

    status = 503
    code = "unavailable"
    title = "The service can't work at the moment"


class EngineFailed(Unavailable):
    """The inference engine raised or gave an impossible answer."""

    code = "engine_failed"
    title = "The inference engine failed"


class ServiceStopping(Unavailable):
    """The service stops, and the picture can't be finished before it has."""

    code = "service_stopping"
    title = "The service is being stopped"


class DeadlinePassed(ServiceError):
    """The deadline passed while the picture was worked on."""

    status = 504
    code = "deadline_passed"
    title = "The deadline passed"


class StartError(Exception):
    """The service can't start."""


class SettingInvalid(StartError):
    """A setting has a value the service can't use."""


class ModelUnavailable(StartError):
    """The model's weights are nowhere to be found."""


class WeightsRefused(StartError):
    """A model file is not the one it has to be."""
