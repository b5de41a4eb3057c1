"""`upscale mcp`: the service as tools of the Model Context Protocol, over standard input and output.

It reads and writes files below one folder only. Needs the extra `mcp`.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from image_super_scaling import (
    AsyncUpscaleClient,
    Estimate,
    EstimateOptions,
    Job,
    Model,
    Options,
    Progress,
    Result,
    UpscaleError,
)
from superscaling.format_name import FormatName
from superscaling.size_choice import DEFAULT_SCALE, MAX_SCALE, Fit
from superscaling.version import __version__
from upscale.mcp_folder import Folder, Written

INSTRUCTIONS = (
    "Enlarges images with a neural network and removes JPEG artefacts. Use upscale for one image, and wait for it;"
    " submit_job, job_status and save_job_result for what takes minutes, which estimate tells. Paths are relative to"
    " the folder that the user has allowed."
)

# Arguments of several tools.
ImagePath = Annotated[str | None, Field(description="path of the image file")]
ImageText = Annotated[str | None, Field(description="instead of the path: the image file in base64")]
Output = Annotated[str, Field(description="path of the file to write; the format does not depend on it")]
Overwrite = Annotated[bool, Field(description="whether an existing file is replaced")]
Scale = Annotated[float | None, Field(description=f"factor of both sides, 1 to {MAX_SCALE}; default: {DEFAULT_SCALE}")]
Width = Annotated[int | None, Field(description="instead of scale: width of the result in px")]
Height = Annotated[int | None, Field(description="instead of scale: height of the result in px")]
Fitted = Annotated[Fit | None, Field(description="how width and height together are meant")]
Format = Annotated[FormatName | None, Field(description="format of the result; default: that of the image")]
Quality = Annotated[int | None, Field(description="quality of a JPEG, WebP or AVIF result, 1 to 100")]
ModelName = Annotated[str | None, Field(description="a model that list_models lists; default: the first")]
JobId = Annotated[str, Field(description="as submit_job has answered")]


@dataclass(frozen=True)
class JobStatus:
    """Where a job is: `done` of `total` tiles; `failure`: why it has failed."""

    id: str
    status: str
    done: int
    total: int
    seconds_left: float | None
    failure: str | None


def serve(url: str, key: str | None, root: Path) -> None:
    """Answer on standard output what is asked on standard input, until that ends.

    Args:
        url: the address of the service.
        key: its API key; None: it needs none.
        root: the folder whose files may be used.

    Raises:
        ValueError: the address is none.
        OSError: there is no such folder.
    """
    build(url, key, Folder(root)).run("stdio")


def build(url: str, key: str | None, folder: Folder) -> "MCPServer[AsyncUpscaleClient]":
    """The server with its tools. Args: as `serve`."""
    client = AsyncUpscaleClient(url, api_key=key)

    @contextlib.asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[AsyncUpscaleClient]:
        async with client:
            yield client

    server: MCPServer[AsyncUpscaleClient] = MCPServer(
        "image-super-scaling",
        title="Image super-scaling",
        instructions=INSTRUCTIONS,
        version=__version__,
        lifespan=lifespan,
        log_level="WARNING",
    )

    @server.tool()
    async def upscale(
        context: Context[Any],
        output: Output,
        path: ImagePath = None,
        image_base64: ImageText = None,
        scale: Scale = None,
        width: Width = None,
        height: Height = None,
        fit: Fitted = None,
        result_format: Format = None,
        quality: Quality = None,
        model: ModelName = None,
        overwrite: Overwrite = False,
    ) -> Written:
        """Enlarge an image, wait for the result, and write it to a file."""
        folder.free(output, overwrite)  # before minutes of work
        image = folder.read(path, image_base64)
        options = _given(scale, width, height, fit, result_format, quality, model)
        with _told():
            async with client.stream(image, **options) as events:
                async for event in events:
                    if isinstance(event, Progress):
                        await context.report_progress(event.done, event.total)
                    elif isinstance(event, Result):
                        return folder.write(output, event, overwrite)
        raise AssertionError("a stream ends with a result, or raises")

    @server.tool()
    async def estimate(
        width: Annotated[int, Field(description="of the image in px")],
        height: Annotated[int, Field(description="of the image in px")],
        scale: Scale = None,
        model: ModelName = None,
    ) -> Estimate:
        """Ask how long an image of a size would take now."""
        options = cast(EstimateOptions, {"scale": _text(scale), "model": model})
        with _told():
            return await client.estimate(width, height, **options)

    @server.tool()
    async def list_models() -> list[Model]:
        """List the models that the service has loaded, the default first."""
        with _told():
            return await client.models()

    @server.tool()
    async def submit_job(
        path: ImagePath = None,
        image_base64: ImageText = None,
        scale: Scale = None,
        width: Width = None,
        height: Height = None,
        fit: Fitted = None,
        result_format: Format = None,
        quality: Quality = None,
        model: ModelName = None,
    ) -> JobStatus:
        """Hand an image in, to be enlarged in the background."""
        image = folder.read(path, image_base64)
        with _told():
            return _status(
                await client.jobs.submit(image, **_given(scale, width, height, fit, result_format, quality, model))
            )

    @server.tool()
    async def job_status(job_id: JobId) -> JobStatus:
        """Ask where a job is."""
        with _told():
            return _status(await client.jobs.find(job_id))

    @server.tool()
    async def save_job_result(job_id: JobId, output: Output, overwrite: Overwrite = False) -> Written:
        """Write the result of a job that is done to a file."""
        folder.free(output, overwrite)
        with _told():
            return folder.write(output, await client.jobs.result(job_id), overwrite)

    @server.tool()
    async def cancel_job(job_id: JobId) -> str:
        """Cancel a job, or delete its result."""
        with _told():
            await client.jobs.cancel(job_id)
        return "cancelled"

    return server


def _given(
    scale: float | None,
    width: int | None,
    height: int | None,
    fit: Fit | None,
    format_name: FormatName | None,
    quality: int | None,
    model: str | None,
) -> Options:
    options = {
        "scale": _text(scale),
        "width": width,
        "height": height,
        "fit": fit,
        "format": format_name,
        "quality": quality,
        "model": model,
    }
    return cast(Options, options)  # the client leaves out what is None


def _text(number: float | None) -> str | None:
    """A number as the service reads it: without an exponent or noise of its binary form."""
    return None if number is None else f"{number:.12g}"


def _status(job: Job) -> JobStatus:
    failure = None if job.failure is None else str(job.failure)
    return JobStatus(
        id=job.id, status=job.state, done=job.done, total=job.total, seconds_left=job.seconds_left, failure=failure
    )


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What the service refuses is told to the model.

    Raises:
        ToolError: it has refused, or there was no answer; or an argument is wrong.
    """
    try:
        yield
    except (UpscaleError, ValueError) as exc:
        raise ToolError(str(exc)) from exc
