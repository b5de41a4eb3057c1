"""The answer to every request that failed: a problem document (RFC 9457)."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from superscaling.errors import ServiceError


class Problem(BaseModel):
    """What went wrong, for programs (`code`, `limit`, `actual`, `setting`) and for people (`title`, `detail`)."""

    model_config = ConfigDict(populate_by_name=True)

    type: str = Field(description="a name of the kind of problem; no page is behind it")
    title: str
    status: int
    detail: str
    code: str = Field(description="the kind of problem, for programs")
    limit: int | float | None = Field(None, description="the limit that was passed")
    actual: int | float | None = Field(None, description="what the request had")
    setting: str | None = Field(None, description="the environment variable that raises the limit")
    request_id: str | None = Field(None, alias="requestId")

    @classmethod
    def of(cls, error: ServiceError, request_id: str | None) -> Self:
        """Describe an error."""
        return cls(
            type=f"urn:image-super-scaling:problem:{error.code}",
            title=error.title,
            status=error.status,
            detail=error.detail,
            code=error.code,
            limit=error.limit,
            actual=error.actual,
            setting=error.setting,
            request_id=request_id,
        )

    def to_json(self) -> str:
        """The document; members that do not apply are left out."""
        return self.model_dump_json(by_alias=True, exclude_none=True)
