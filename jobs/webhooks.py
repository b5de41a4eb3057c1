"""Which addresses may be told the end of a job."""

from collections.abc import Collection
from urllib.parse import urlsplit

from superscaling.errors import WebhookNotAllowed

PORTS = {"http": 80, "https": 443}


def check_webhook(url: str, hosts: Collection[str]) -> None:
    """Make sure that the operator allows webhooks to an address.

    Args:
        url: of the webhook.
        hosts: as `name`, on the usual port of the address's scheme, or `name:port`.

    Raises:
        WebhookNotAllowed: it is no address of HTTP, has a user name, or a host that is not among them.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port or PORTS.get(parts.scheme)
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    names = {host, f"{host}:{port}"} if port == PORTS.get(parts.scheme) else {f"{host}:{port}"}
    if not host or port is None or "@" in parts.netloc or names.isdisjoint(each.lower() for each in hosts):
        raise WebhookNotAllowed("the webhook's host is not among those that are allowed here", setting="webhook_hosts")
