"""How many requests and megapixels a client may have in a time."""

from dataclasses import dataclass

from http_edge.access.client import Client
from http_edge.access.rates_store import RatesStore, Taken
from http_edge.access.rates_window import Window
from superscaling.errors import ImageTooLarge, RateExceeded
from superscaling.geometry import MEGAPIXEL
from superscaling.scheduling import Budget
from superscaling.settings import Settings

# draft-ietf-httpapi-ratelimit-headers-09
RATELIMIT = "RateLimit"
RATELIMIT_POLICY = "RateLimit-Policy"
SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


@dataclass(frozen=True)
class Policy:
    """A quota of so many units in so many seconds. `setting`: that sets it; None: the client's key has its own."""

    name: str
    quota: int
    seconds: int
    setting: str | None

    @classmethod
    def of(cls, name: str, rate: str, unit: int, setting: str) -> "Policy | None":
        """The policy of a rate such as `120/minute`, in units of `unit`; None: there is none."""
        if not rate:
            return None
        amount, _, period = rate.partition("/")
        return cls(name, int(amount) * unit, SECONDS[period], setting)

    @property
    def period(self) -> str:
        """The name of its time."""
        return next(name for name, seconds in SECONDS.items() if seconds == self.seconds)


class Rates:
    """The rates of one service.

    Args:
        settings: say how many requests and megapixels a client may have.
        store: counts them.
    """

    def __init__(self, settings: Settings, store: RatesStore) -> None:
        self._requests = Policy.of("requests", settings.rate_requests, 1, "rate_requests")
        self._pixels = Policy.of("pixels", settings.rate_megapixels, MEGAPIXEL, "rate_megapixels")
        self._store = store

    def of(self, client: Client) -> "ClientRates":
        """The rates of a client, for one request."""
        pixels = self._pixels
        if client.megapixels_per_hour is not None:
            pixels = Policy("pixels", round(client.megapixels_per_hour * MEGAPIXEL), SECONDS["hour"], None)
        return ClientRates(client, self._requests, pixels, self._store)


class ClientRates(Budget):
    """What one request uses of its client's rates; it is the budget of its image.

    Args:
        client: whose rates they are. A budget of its key is counted for that key, the rest for the client's name.
        requests, pixels: what the client may have; None: any number.
        store: counts it.
    """

    def __init__(self, client: Client, requests: Policy | None, pixels: Policy | None, store: RatesStore) -> None:
        self._client = client
        self._requests = requests
        self._pixels = pixels
        self._store = store
        self._seen = dict[Policy, Taken]()

    def count_request(self) -> None:
        """Count the request.

        Raises:
            RateExceeded: the client has sent as many as it may.
        """
        policy = self._requests
        if policy is None:
            return
        if (wait := self._take(policy, 1)) is not None:
            raise RateExceeded(
                f"{_allowed(policy.quota, 'request', policy.period)}: send it again in {wait} s",
                limit=policy.quota,
                setting=policy.setting,
                retry_after=wait,
            )

    def take(self, pixels: int) -> None:
        """Take the pixels of an image.

        Raises:
            ImageTooLarge: it has more than the client gets.
            RateExceeded: it has more than are left.
        """
        policy = self._pixels
        if policy is None:
            return
        allowed = _allowed(policy.quota / MEGAPIXEL, "megapixel", policy.period)
        if pixels > policy.quota:
            raise ImageTooLarge(
                f"this image has {pixels:,} px, and {allowed} in all: send a smaller image",
                limit=policy.quota,
                actual=pixels,
                setting=policy.setting,
            )
        if (wait := self._take(policy, pixels)) is not None:
            left = max(0, policy.quota - self._seen[policy].window.used(policy.seconds))
            raise RateExceeded(
                f"this image has {pixels:,} px; {allowed}, of which {left:,} px are left: send it again in {wait} s, or"
                " a smaller image now",
                limit=policy.quota,
                actual=pixels,
                setting=policy.setting,
                retry_after=wait,
            )

    def give_back(self, pixels: int) -> None:
        """Give pixels back."""
        if (policy := self._pixels) is not None:
            taken = self._seen[policy]
            window = self._store.give_back(self._key(policy), pixels, policy.seconds, taken.is_shared)
            if window is not None:
                self._seen[policy] = taken._replace(window=window)

    def headers(self) -> dict[str, str]:
        """What the answer tells of the rates: all that apply, and what is left of those that were counted."""
        policies = [policy for policy in (self._requests, self._pixels) if policy is not None]
        headers = dict[str, str]()
        if policies:
            headers[RATELIMIT_POLICY] = ", ".join(map(_policy_item, policies))
        if self._seen:
            headers[RATELIMIT] = ", ".join(
                _limit_item(policy, self._seen[policy].window) for policy in policies if policy in self._seen
            )
        return headers

    def _take(self, policy: Policy, amount: int) -> int | None:
        """Count an amount. Returns None, or, if it is more than is left, after how many seconds it is not."""
        taken = self._store.take(self._key(policy), amount, policy.quota, policy.seconds)
        self._seen[policy] = taken
        return None if taken.is_taken else taken.window.seconds_until(amount, policy.quota, policy.seconds)

    def _key(self, policy: Policy) -> str:
        of = self._client.name if policy.setting is not None else f"key/{self._client.key_id}"
        return f"{policy.name}/{policy.seconds}/{of}"


def _allowed(amount: float, unit: str, period: str) -> str:
    number, verb = ("", "is") if amount == 1 else ("s", "are")
    return f"{amount:,.12g} {unit}{number} per {period} {verb} allowed"


def _policy_item(policy: Policy) -> str:
    unit = ';qu="pixels"' if policy.name == "pixels" else ""
    return f'"{policy.name}";q={policy.quota};w={policy.seconds}{unit}'


def _limit_item(policy: Policy, window: Window) -> str:
    left = max(0, policy.quota - window.used(policy.seconds))
    return f'"{policy.name}";r={left};t={window.seconds_until_unused()}'
