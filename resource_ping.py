"""`GET /ping`."""

from message_protocol import PingOutput


class ResourcePing:
    """Says that the service is there; touches no model, so it answers while the model works."""

    def main(self) -> PingOutput:
        """Answer."""
        return PingOutput()
