"""The answer of `GET /ping`."""

from pydantic import BaseModel


class PingOutput(BaseModel):
    """The service responds."""

    success: bool = True
