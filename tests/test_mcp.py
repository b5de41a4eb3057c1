"""`upscale mcp`: the SDK's client asks it, over standard input and output, for a real service."""

import asyncio
import base64
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import ROOT, Server, encoded, opened, photograph

if TYPE_CHECKING:
    from mcp import Client

PICTURE = encoded(photograph(40, 60), "JPEG")
Call = Callable[..., Awaitable[tuple[bool, Any]]]
Talk = Callable[["Client", Call], Awaitable[None]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    (root / "cup.jpg").write_bytes(PICTURE)
    (tmp_path / "secret.jpg").write_bytes(PICTURE)
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    return root


def with_client(server: Server, folder: Path, talk: Talk) -> None:
    """Start `upscale mcp` as a program that uses language models does, and talk to it."""
    from mcp import Client, StdioServerParameters  # late: it takes a second of each process

    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "upscale", "mcp", "--url", server.url, "--root", str(folder)],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        cwd=folder,
    )

    async def run() -> None:
        async with Client(parameters) as client:

            async def call(tool: str, **arguments: object) -> tuple[bool, Any]:
                answer = await client.call_tool(tool, arguments)
                text = "".join(getattr(each, "text", "") for each in answer.content)
                return bool(answer.is_error), text if answer.is_error else answer.structured_content

            await talk(client, call)

    asyncio.run(asyncio.wait_for(run(), 120))


def test_a_picture_a_job_and_refusals(server: Server, folder: Path) -> None:
    async def talk(client: "Client", call: Call) -> None:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == {
            "upscale",
            "estimate",
            "list_models",
            "submit_job",
            "job_status",
            "save_job_result",
            "cancel_job",
        }
        assert await call("upscale", path="cup.jpg", output="large.png", scale=1.5, result_format="png") == (
            False,
            {"path": "large.png", "width": 90, "height": 60, "format": "png", "notes": []},
        )
        text = base64.b64encode(PICTURE).decode()
        assert not (await call("upscale", image_base64=text, output="other.jpg"))[0]
        refused, models = await call("list_models")
        assert not refused
        assert models["result"][0]["default"]
        refused, estimate = await call("estimate", width=4000, height=3000, scale=4)
        assert not refused
        assert (estimate["width"], estimate["height"]) == (16000, 12000)

        refused, job = await call("submit_job", path="cup.jpg")
        assert not refused
        while job["status"] in ("queued", "running"):
            await asyncio.sleep(0.1)
            _, job = await call("job_status", job_id=job["id"])
        assert job["status"] == "done"
        _, written = await call("save_job_result", job_id=job["id"], output="job.jpg")
        assert (written["width"], written["height"]) == (120, 80)
        assert not (await call("cancel_job", job_id=job["id"]))[0]

        for tool, arguments, words in REFUSED:
            refused, why = await call(tool, **{"path": "cup.jpg", "output": "new.png", **arguments})
            assert refused, arguments
            assert words in why

    with_client(server, folder, talk)
    assert opened((folder / "large.png").read_bytes()).size == (90, 60)
    assert opened((folder / "other.jpg").read_bytes()).size == (120, 80)
    assert opened((folder / "job.jpg").read_bytes()).size == (120, 80)
    assert sorted(path.name for path in folder.iterdir()) == [
        "cup.jpg",
        "job.jpg",
        "large.png",
        "link.jpg",
        "other.jpg",
    ]
    assert (folder.parent / "secret.jpg").read_bytes() == PICTURE


REFUSED: list[tuple[str, dict[str, object], str]] = [
    ("upscale", {"path": "../secret.jpg"}, "outside the folder"),
    ("upscale", {"path": "link.jpg"}, "outside the folder"),
    ("upscale", {"path": "/etc/passwd"}, "outside the folder"),
    ("upscale", {"path": "a\0b"}, "no path"),
    ("upscale", {"path": "missing.jpg"}, "No such file"),
    ("upscale", {"path": "."}, "directory"),
    ("upscale", {"output": "../new.png"}, "outside the folder"),
    ("upscale", {"output": "link.jpg", "overwrite": True}, "outside the folder"),
    ("upscale", {"output": "cup.jpg"}, "exists"),
    ("upscale", {"output": "none/new.png"}, "folder does not exist"),
    ("upscale", {"output": "."}, "is a folder"),
    (
        "upscale",
        {"output": "cup.jpg", "path": None, "image_base64": "aGFsbG8="},
        "exists",
    ),  # before the service is asked
    ("upscale", {"path": None}, "either path or image_base64"),
    ("upscale", {"image_base64": "aGFsbG8="}, "either path or image_base64"),
    ("upscale", {"path": None, "image_base64": "no base64!"}, "not base64"),
    ("upscale", {"path": None, "image_base64": "aGFsbG8="}, "HTTP 415"),
    ("upscale", {"scale": 9}, "HTTP 400"),
    ("upscale", {"scale": 2, "width": 10}, "HTTP 400"),
    ("upscale", {"model": "none"}, "HTTP 422 unknown_model"),
    ("upscale", {"quality": "high"}, "quality"),
    ("job_status", {"job_id": "../../models"}, "not an id of a job"),
    ("job_status", {"job_id": "0" * 26}, "HTTP 404"),
    ("save_job_result", {"job_id": "0" * 26}, "HTTP 404"),
]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing option '--url'"),
        (["--url", "localhost"], "localhost"),
        (["--url", "http://localhost:1", "--root", "nowhere"], "does not exist"),
        (["--url", "http://localhost:1", "--key-file", "-"], "standard input"),
        (["--url", "http://localhost:1", "--key-file", "nowhere"], "No such file"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str) -> None:
    command = [sys.executable, "-m", "upscale", "mcp", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
