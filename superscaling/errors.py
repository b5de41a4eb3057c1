"""The errors that the service raises.

Exception
* ServiceError                  a request failed; becomes a problem document
    x MalformedMessage          400
    x Unauthorized              401
    x OwnerMissing              403
    x CrossSite                 403
    x JobUnknown                404
    x JobsOff                   404
    x NotAcceptable             406
    x BodyTimeout               408
    x JobHasNoResult            409
        + JobNotFinished        409
        + JobFailed             409
        + JobCancelled          409
    x JobExpired                410
    x BodyTooLarge              413
    x UnsupportedMedia          415
        + UnsupportedImage      415
    x HostNotServed             421
    x Unprocessable             422
        + ImageCorrupt          422
        + ImageTooLarge         422
        + TooManyFrames         422
        + ImageTooComplex       422
        + ImageUndecodable      422
        + UnsupportedMode       422
        + FormatCannotHold      422
        + SizeOutOfRange        422
          - ModelDoesNotEnlarge 422
          - ResultTooSmall      422
        + ResultTooLarge        422
        + UnknownModel          422
        + StrengthNotOffered    422
        + EstimateOverDeadline  422
        + BlockFailed           422
        + GroupTooLarge         422
        + IdempotencyMismatch   422
        + WebhookNotAllowed     422
        + UrlNotFetched         422
    x ClientGone                499, seen in the log only
    x TooManyRequests           429
        + QueueFull             429
        + JobsQueueFull         429
        + RateExceeded          429
    x Unavailable               503
        + EngineFailed          503
        + ServiceStopping       503
        + DecoderUnavailable    503
        + StoreUnavailable      503
        + BrokerUnavailable     503
    x DeadlinePassed            504
* StartError                    the service can't start; the message is one line for the operator
    x SettingInvalid
    x ModelUnavailable
    x WeightsRefused
    x ApiKeysInvalid
"""

from http import HTTPStatus
from typing import Any


class ServiceError(Exception):
    """A request failed, in a way that the client is told about.

    `detail` speaks of the picture, the limit and what the client can do; `limit` and `actual` are numbers in the unit
    that `detail` names; `setting` is the field of `Settings` with which an operator raises the limit; `retry_after`
    are whole seconds. `decoder_failure`: why a decoder process ended, if the request failed for that: `crash`, `time`,
    `memory` or `unavailable`.
    """

    status = 500
    code = "internal_error"
    title = "The service has a defect"
    decoder_failure: str | None = None

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

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickling: an error is restored as it is, and its constructor is not called again."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[ServiceError], args: tuple[object, ...], fields: dict[str, object]) -> ServiceError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


# Phrases of RFC 9110; before Python 3.13 http.HTTPStatus has older ones.
PHRASES = {414: "URI Too Long", 416: "Range Not Satisfiable"}


def http_error(status: int, detail: str) -> ServiceError:
    """The error for an HTTP status without a class here, such as 404. Title and code are its phrase. (To be raised.)"""
    error = ServiceError(detail)
    error.status, error.title = status, PHRASES.get(status) or HTTPStatus(status).phrase
    error.code = error.title.lower().replace(" ", "_").replace("-", "_")
    return error


class MalformedMessage(ServiceError):
    """JSON, a field, an option or the base64 of the request is invalid."""

    status = 400
    code = "malformed_message"
    title = "The request is not a valid message"


class Unauthorized(ServiceError):
    """The service has API keys, and the request has none that is valid. `has_key`: whether it has one that is not."""

    status = 401
    code = "unauthorized"
    title = "An API key is needed"

    def __init__(self, detail: str, *, has_key: bool) -> None:
        super().__init__(detail)
        self.has_key = has_key


class CrossSite(ServiceError):
    """A browser sends the request from a page of another site, which is not allowed to."""

    status = 403
    code = "cross_site"
    title = "The page may not use this service"


class OwnerMissing(ServiceError):
    """Jobs have owners, and the request names none."""

    status = 403
    code = "owner_missing"
    title = "The request names no owner"


class JobUnknown(ServiceError):
    """There is no such job, or it belongs to somebody else."""

    status = 404
    code = "unknown_job"
    title = "There is no such job"


class JobsOff(ServiceError):
    """The service keeps no jobs."""

    status = 404
    code = "jobs_off"
    title = "The service takes no jobs"


class NotAcceptable(ServiceError):
    """`Accept` and `format` allow no form of the answer that the service has."""

    status = 406
    code = "not_acceptable"
    title = "No acceptable form of the answer"


class BodyTimeout(ServiceError):
    """The request body was not complete in time."""

    status = 408
    code = "body_timeout"
    title = "The request body took too long"


class JobHasNoResult(ServiceError):
    """The job has no result, at least not now."""

    status = 409
    code = "no_result"
    title = "The job has no result"


class JobNotFinished(JobHasNoResult):
    """The job has not ended yet."""

    code = "not_finished"
    title = "The job is not finished"


class JobFailed(JobHasNoResult):
    """The job has failed, and will have no result."""

    code = "job_failed"
    title = "The job has failed"


class JobCancelled(JobHasNoResult):
    """The job was cancelled."""

    code = "job_cancelled"
    title = "The job was cancelled"


class JobExpired(ServiceError):
    """The job ended so long ago that its result is deleted."""

    status = 410
    code = "expired"
    title = "The job has expired"


class BodyTooLarge(ServiceError):
    """The request body is larger than the service accepts."""

    status = 413
    code = "body_too_large"
    title = "The request body is too large"


class UnsupportedMedia(ServiceError):
    """The content type of the request is not supported."""

    status = 415
    code = "unsupported_media_type"
    title = "The content type is not supported"


class UnsupportedImage(UnsupportedMedia):
    """The file is not an image in a supported format."""

    code = "unsupported_image_format"
    title = "The image format is not supported"


class HostNotServed(ServiceError):
    """The request names a host that the service is not known by."""

    status = 421
    code = "host_not_served"
    title = "The service is not known by this name"


class Unprocessable(ServiceError):
    """The image is readable, but can't be enlarged as requested."""

    status = 422
    code = "unprocessable"
    title = "The image can't be processed"


class ImageCorrupt(Unprocessable):
    """The image is truncated or damaged."""

    code = "image_corrupt"
    title = "The image is truncated or corrupt"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the image is truncated or corrupt: {reason}")


class ImageTooLarge(Unprocessable):
    """The image has more pixels than the service accepts."""

    code = "image_too_large"
    title = "The image has too many pixels"


class TooManyFrames(Unprocessable):
    """The animation or document has more frames or pages than the service accepts."""

    code = "too_many_frames"
    title = "The image has too many frames"


class ImageTooComplex(Unprocessable):
    """The file has far more parts than real pictures have."""

    code = "image_too_complex"
    title = "The image is too complex"


class ImageUndecodable(Unprocessable):
    """The decoder crashed on the image, or needed more time or memory than it may take."""

    code = "image_undecodable"
    title = "The image can't be decoded"

    def __init__(
        self, detail: str, decoder_failure: str, *, limit: float | None = None, setting: str | None = None
    ) -> None:
        super().__init__(detail, limit=limit, setting=setting)
        self.decoder_failure = decoder_failure


class UnsupportedMode(Unprocessable):
    """The format is supported, but not this variant."""

    code = "unsupported_image_mode"
    title = "This variant of the image format is not supported"


class FormatCannotHold(Unprocessable):
    """The requested format can't store the result without loss of transparency, depth or frames."""

    code = "format_cannot_hold"
    title = "The requested format can't store the result"


class SizeOutOfRange(Unprocessable):
    """The result would be more times as large as the image than the service enlarges; `limit` is of one side, in px."""

    code = "size_out_of_range"
    title = "The size can't be reached"


class ModelDoesNotEnlarge(SizeOutOfRange):
    """The result would be larger than the image, and the model only cleans."""

    code = "model_does_not_enlarge"
    title = "The model does not enlarge"


class ResultTooSmall(SizeOutOfRange):
    """The result would be smaller than the image, which is too large for that."""

    code = "result_too_small"
    title = "The result would be smaller than the image"


class ResultTooLarge(Unprocessable):
    """The result would have more pixels than the service makes."""

    code = "result_too_large"
    title = "The result would have too many pixels"


class UnknownModel(Unprocessable):
    """The model that is asked for is not loaded."""

    code = "unknown_model"
    title = "The model is not loaded"


class StrengthNotOffered(Unprocessable):
    """The model has no milder sibling that its results could be mixed with."""

    code = "strength_not_offered"
    title = "The model has no strength to choose"


class EstimateOverDeadline(Unprocessable):
    """Inference would take longer than a request may take."""

    code = "estimate_over_deadline"
    title = "The image would take too long"


class BlockFailed(Unprocessable):
    """A part of the picture ended its worker again and again."""

    code = "block_failed"
    title = "A part of the image can't be enlarged"


class GroupTooLarge(Unprocessable):
    """The group has more jobs than an archive may have."""

    code = "group_too_large"
    title = "The group has too many jobs"


class IdempotencyMismatch(Unprocessable):
    """The Idempotency-Key was used before, for another request."""

    code = "idempotency_mismatch"
    title = "The Idempotency-Key belongs to another request"


class WebhookNotAllowed(Unprocessable):
    """The operator does not allow webhooks to this address."""

    code = "webhook_not_allowed"
    title = "The webhook is not allowed"


class UrlNotFetched(Unprocessable):
    """The image at an address can't be had. Why is not said: it would tell about the service's network."""

    code = "url_not_fetched"
    title = "The address can't be fetched"


class TooManyRequests(ServiceError):
    """All request slots are taken."""

    status = 429
    code = "too_many_requests"
    title = "The service is busy"


class QueueFull(TooManyRequests):
    """The images in progress leave no memory or time for this one."""

    code = "queue_full"


class JobsQueueFull(TooManyRequests):
    """The jobs that have not ended have so many pixels that no further one is taken."""

    code = "jobs_queue_full"
    title = "There are too many jobs"


class RateExceeded(TooManyRequests):
    """The client has sent as many requests, or pixels, as it may for now."""

    code = "rate_exceeded"
    title = "The rate limit is reached"


class ClientGone(ServiceError):
    """The client hung up before it had its answer."""

    status = 499
    code = "client_closed_request"
    title = "The client hung up"


class Unavailable(ServiceError):
    """The service is temporarily unable to work."""

    status = 503
    code = "unavailable"
    title = "The service can't work at the moment"


class EngineFailed(Unavailable):
    """The inference engine raised, or gave a wrong result."""

    code = "engine_failed"
    title = "The inference engine failed"


class ServiceStopping(Unavailable):
    """The service stops before the picture can be finished."""

    code = "service_stopping"
    title = "The service is being stopped"


class DecoderUnavailable(Unavailable):
    """The decoder was killed from outside, or can't be started. That is not the image's fault."""

    code = "decoder_unavailable"
    title = "The decoder is not available"
    decoder_failure = "unavailable"


class StoreUnavailable(Unavailable):
    """The store of jobs is full, or can't be reached."""

    code = "store_unavailable"
    title = "The store of jobs is not available"


class BrokerUnavailable(Unavailable):
    """The broker of jobs can't be reached."""

    code = "broker_unavailable"
    title = "The broker of jobs is not available"


class DeadlinePassed(ServiceError):
    """The deadline passed during the work."""

    status = 504
    code = "deadline_passed"
    title = "The deadline passed"


class StartError(Exception):
    """The service can't start."""


class SettingInvalid(StartError):
    """A setting has an invalid value.

    `field`: of `Settings`; `value`: that it has; `reason`: in words that do not name the setting.
    """

    def __init__(self, text: str, field: str, value: object, reason: str) -> None:
        super().__init__(text, field, value, reason)  # all of them, so that it can be pickled
        self.field, self.value, self.reason = field, value, reason

    def __str__(self) -> str:
        return str(self.args[0])


class ModelUnavailable(StartError):
    """The model's files are missing, can't be read, or can't be made."""


class WeightsRefused(StartError):
    """A model file has another hash than expected."""


class ApiKeysInvalid(StartError):
    """The file of API keys is missing or invalid, or can't be changed."""
