"""The answer of `GET /readyz`."""

from pydantic import BaseModel


class ReadyOutput(BaseModel):
    """The engine reproduced its known answer and has not failed since."""

    ready: bool = True
    model: str
    engine: str
    precision: str
    threads: int
    views: int
