"""The answer to every failed request: a problem document (RFC 9457)."""

from pydantic import BaseModel, ConfigDict, Field


class Problem(BaseModel):
    """What went wrong, for people and for programs.

    `title` and `detail` are for whoever sent the request, `setting` and `hint` for the operator of the service.
    """

    model_config = ConfigDict(populate_by_name=True)

    type: str = Field(description="URN of the kind of problem; it can't be fetched")
    title: str
    status: int
    detail: str = Field(description="what is wrong with this request, and what the client can do")
    code: str = Field(description="the kind of problem, for programs")
    limit: int | float | None = Field(None, description="the limit that was exceeded")
    actual: int | float | None = Field(None, description="the request's value")
    setting: str | None = Field(None, description="the service's environment variable that sets the limit")
    hint: str | None = Field(None, description="what the operator of the service can do")
    request_id: str | None = Field(None, alias="requestId")

    def to_json(self) -> str:
        """Serialise the document without the members that do not apply."""
        return self.model_dump_json(by_alias=True, exclude_none=True)
