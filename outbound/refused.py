"""Why something is not fetched, or not sent."""


class Refused(Exception):
    """An address is not allowed, can't be reached, or does not answer as it should.

    Its text is for the operator's log. A client is never told: it would learn about the service's network.
    """
