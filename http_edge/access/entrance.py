"""What every request has to pass before it takes a slot, and before its body is read."""

from collections.abc import Callable

from flask import Request, Response

from http_edge.access.client import Client
from http_edge.access.cors import Cors
from http_edge.access.hosts import HostCheck
from http_edge.access.keys import KeyCheck
from http_edge.access.origins import Origins
from http_edge.access.ports import PortCheck
from http_edge.access.proxies import TrustedProxies, rate_name
from http_edge.access.rates import ClientRates, Rates
from http_edge.access.rates_store import RatesStore
from outbound.addresses import Address
from superscaling.api_keys import KeyRefused
from superscaling.api_keys_file import ApiKeysFile
from superscaling.settings import Settings


class Entrance:
    """Lets requests in.

    Args:
        settings: of who may use the service.
        api_keys: of which requests need one; None: they need none.
        key_refused: is told of each refusal of a key.
        rate_store_answers: is told whether the shared store of rates does.
    """

    def __init__(
        self,
        settings: Settings,
        api_keys: ApiKeysFile | None,
        key_refused: Callable[[KeyRefused], None],
        rate_store_answers: Callable[[bool], None],
    ) -> None:
        self._proxies = TrustedProxies(settings.trusted_proxies)
        self._ports = PortCheck(settings.metrics_port)
        self._hosts = HostCheck(settings.allowed_hosts, settings.host)
        self._origins = Origins(settings.allow_origins, self._proxies)
        self._cors = Cors(self._origins)
        self._keys = KeyCheck(api_keys, key_refused, metrics_are_open=bool(settings.metrics_port))
        self._rates = Rates(settings, RatesStore(settings.rate_store, rate_store_answers))

    def address(self, request: Request) -> Address | None:
        """The address of the client, also behind trusted proxies; None: it has none."""
        return self._proxies.client(request.remote_addr, request.headers.get("X-Forwarded-For", ""))

    def check(self, request: Request, address: Address | None) -> Client | Response:
        """Let a request in: by its port, its host, the page that it comes from, and its key, in this order.

        Args:
            request: of which the head was read.
            address: of the client.

        Returns:
            Who sends it; or the answer to a browser that asks whether a page may send it.

        Raises:
            NotFound: the port does not serve this.
            HostNotServed, CrossSite, Unauthorized: it is not let in.
        """
        self._ports.check(request)
        self._hosts.check(request)
        if (answer := self._cors.preflight(request)) is not None:
            return answer
        self._origins.check(request)
        return self._keys.client(request, rate_name(address))

    def rates(self, client: Client) -> ClientRates:
        """What a client uses, for one request of it."""
        return self._rates.of(client)

    def tell(self, request: Request, response: Response) -> None:
        """Add to an answer what browsers are told about who may read it."""
        self._cors.tell(request, response)
