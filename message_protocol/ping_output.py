"""The answer of `GET /ping`."""

from pydantic import BaseModel


class PingOutput(BaseModel):
    """The service is there."""

    success: bool = True
