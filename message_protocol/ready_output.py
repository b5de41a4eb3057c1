"""The answer of `GET /readyz`."""

from pydantic import BaseModel, Field


class ReadyOutput(BaseModel):
    """Every model's engine reproduced its known answer and has not failed since.

    All but `models` is about the default model.
    """

    ready: bool = True
    model: str
    engine: str
    precision: str
    threads: int
    views: int
    models: dict[str, bool] = Field(description="each loaded model by its name, and whether it is ready")
