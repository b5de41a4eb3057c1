"""Every error of the client. Arguments that can't be meant raise ValueError or TypeError, and files OSError, as usual.

UpscaleError
* Unreachable       nobody answers at the address
* Broken            the connection broke, or stayed silent, before the answer was complete
* Malformed         the answer can't be used
    x NotTheService what answers is not this service
* Unauthorized      401: the service needs an API key, and the client has none that is valid
* Forbidden         403: the client may not do this
* NotFound          404: there is no such job, or the service takes none
* NoResult          409: the job is not finished, has failed or was cancelled
* Expired           410: the result of the job is deleted
* Rejected          422: the image or an option can't be processed
* Busy              429: the service has too much to do
    x RateExceeded  the client has sent too much
* Unavailable       503: the service can't work at the moment

Any other status is an `UpscaleError` itself.
"""

from typing import Self


class UpscaleError(Exception):
    """A request failed: the service or a proxy answered with an error or a malformed answer, or did not answer.

    The text has status, code, detail and request id in one line.

    Args:
        detail: what went wrong, for people, in one sentence.
        status: the HTTP status, 200 to 599; 0: there was no complete answer.
        code: the kind of problem, for programs, such as `image_corrupt`; None: the answer is not the service's own.
        request_id: the request's id, which is also in the service's log; None: the answer had none.
        retry_after: seconds to wait that the service asks for, counted from its answer; None: it asks for none.
        hint: what the operator of the service can do, such as to raise a limit.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int = 0,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.hint = hint

    def __str__(self) -> str:
        kind = f"HTTP {self.status}{f' {self.code}' if self.code else ''}: " if self.status else ""
        return f"{kind}{self.detail}{f' (request {self.request_id})' if self.request_id else ''}"

    def __reduce__(self) -> tuple[type[Self], tuple[str], dict[str, object]]:
        return type(self), (self.detail,), vars(self)


class Unreachable(UpscaleError):
    """Nobody answers at the address."""


class Broken(UpscaleError):
    """The connection broke, or stayed silent, before the answer was complete."""


class Malformed(UpscaleError):
    """The answer can't be used."""


class NotTheService(Malformed):
    """What answers is not this service."""


class Unauthorized(UpscaleError):
    """The service needs an API key, and the client has none that is valid."""


class Forbidden(UpscaleError):
    """The service, or a proxy before it, does not let the client do this."""


class NotFound(UpscaleError):
    """There is no such job, or it is somebody else's; or the service takes no jobs."""


class NoResult(UpscaleError):
    """The job has no result: it is not finished, has failed or was cancelled; the code says which."""


class Expired(UpscaleError):
    """The job ended so long ago that its result is deleted."""


class Rejected(UpscaleError):
    """The image or an option can't be processed, or an Idempotency-Key was used for something else."""


class Busy(UpscaleError):
    """The service has too much to do; the same request may succeed later."""


class RateExceeded(Busy):
    """The client has sent as many requests, or pixels, as it may; `retry_after` says when it may send this again."""


class Unavailable(UpscaleError):
    """The service can't work at the moment; the same request may succeed later."""


BY_STATUS = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: NoResult,
    410: Expired,
    422: Rejected,
    429: Busy,
    503: Unavailable,
}


def kind_of(status: int, code: str | None) -> type[UpscaleError]:
    """The class of an answer with an error status."""
    return RateExceeded if code == "rate_exceeded" else BY_STATUS.get(status, UpscaleError)
