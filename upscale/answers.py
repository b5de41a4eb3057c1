"""What a service's errors mean for a run: one image has failed, all would, or the service is to be asked again."""

from image_super_scaling import Broken as NoAnswer
from image_super_scaling import Busy as TooMuch
from image_super_scaling import Expired as Deleted
from image_super_scaling import NotTheService, Unauthorized, Unavailable, Unreachable, UpscaleClient, UpscaleError
from image_super_scaling.settings import ClientSettings
from superscaling.errors import StrengthNotOffered, UnknownModel
from superscaling.settings import CLIENT_KEY
from upscale.errors import Broken, Busy, Expired, Failed, FatalError, Full, NoService, UsageError

SILENCE = 120.0  # s without data, heartbeats included, after which the connection counts as dead
# The address is wrong, access is denied, or an option is unknown, for every image alike.
WRONG_FOR_ALL = (301, 302, 303, 307, 308, 400, 403, 404, 405, 406)
NOT_WITH_THESE_MODELS = (UnknownModel.code, StrengthNotOffered.code)


def client_of(url: str, settings: ClientSettings) -> UpscaleClient:
    """A client of the service at `--url`.

    Raises:
        UsageError: `url` is not the address of a service.
    """
    try:
        return UpscaleClient(url, **settings)
    except ValueError as exc:
        raise UsageError(f"--url {exc}") from exc


def meaning_of(error: UpscaleError, url: str) -> Exception:
    """`Failed`, `Busy`, or a `FatalError` that names the address."""
    if isinstance(error, Unreachable):
        return NoService(error.detail)
    if isinstance(error, NoAnswer):
        return Broken(error.detail)
    if isinstance(error, Unauthorized):
        return FatalError(f"{url}: {error.detail} (here: with --key-file, or in the environment as {CLIENT_KEY})")
    if isinstance(error, NotTheService) or error.status in WRONG_FOR_ALL or error.code in NOT_WITH_THESE_MODELS:
        return FatalError(f"{url}: {error.detail}")
    text = error.detail + (f" ({error.hint})" if error.hint else "")
    if isinstance(error, TooMuch):
        return Full(text, error.retry_after)
    if isinstance(error, Unavailable):
        return Busy(text, error.retry_after)
    if isinstance(error, Deleted):
        return Expired(text)
    in_its_log = f" ({error.request_id})" if error.status >= 500 and error.request_id else ""
    return Failed(text + in_its_log)
