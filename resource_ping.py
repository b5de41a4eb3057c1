"""`GET /ping`."""

from message_protocol import PingOutput


class ResourcePing:
    """Says that the service is alive. Uses no model, so it answers during inference."""

    def main(self) -> PingOutput:
        """Answer."""
        return PingOutput()
