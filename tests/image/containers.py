"""Run containers of the images that `run.sh` has built, with podman."""

import contextlib
import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
from conftest import free_port, post_picture

IMAGE = "localhost/image-super-scaling"
TARGETS = ("default", "everything")
# The same restrictions as in compose.yaml and the Kubernetes manifest.
RESTRICTED = (
    "--read-only",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--tmpfs=/tmp:size=16m,mode=1777",
)


def podman(*arguments: str, check: bool = True, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(["podman", *arguments], capture_output=True, text=True, timeout=timeout, check=False)
    assert not check or result.returncode == 0, f"podman {' '.join(arguments)}: {result.stderr}"
    return result


class Container:
    """A container that serves on a port of this machine, if it has a network."""

    def __init__(self, target: str) -> None:
        self.image = f"{IMAGE}:{target}"
        self.name = f"upscaler-{uuid.uuid4().hex[:8]}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def run(self, *options: str, command: tuple[str, ...], **settings: str) -> None:
        environment = [f"--env={name}={value}" for name, value in ({"PORT": str(self.port)} | settings).items()]
        podman(
            *("run", "--detach", f"--name={self.name}", "--pull=never", *environment, *options, self.image, *command)
        )

    def wait(self, seconds: float = 90) -> None:
        """Wait until the service is ready."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.ask("python", "-m", "superscaling.commands.health").returncode == 0:
                return
            assert self.facts["State"]["Status"] == "running", f"it has ended: {self.logs}"
            time.sleep(0.2)
        raise AssertionError(f"not ready in {seconds} s: {self.logs}")

    def ask(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container."""
        return podman("exec", self.name, *command, check=False)

    def python(self, code: str) -> str:
        """Run Python code in the container; returns its output."""
        result = self.ask("python", "-c", code)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def upscale(self, image: bytes, **parameters: str) -> httpx.Response:
        return post_picture(self.url, image, 120, parameters)

    @property
    def facts(self) -> dict[str, Any]:
        """The output of `podman inspect`."""
        facts: list[dict[str, Any]] = json.loads(podman("inspect", self.name).stdout)
        return facts[0]

    @property
    def logs(self) -> str:
        result = podman("logs", self.name)
        return result.stdout + result.stderr

    def stop(self, seconds: int = 100) -> int:
        """Send SIGTERM, and SIGKILL after `seconds`; returns the exit status."""
        podman("stop", f"--time={seconds}", self.name, timeout=seconds + 30)
        return self.exit_status()

    def exit_status(self, seconds: float = 60) -> int:
        """Wait until the container ends; returns the exit status."""
        return int(podman("wait", self.name, timeout=seconds).stdout)


@contextlib.contextmanager
def container(target: str, *options: str, command: tuple[str, ...] = (), **settings: str) -> Iterator[Container]:
    """Start a container; it is removed afterwards."""
    made = Container(target)
    try:
        made.run(*options, command=command, **settings)
        yield made
    finally:
        podman("rm", "--force", "--time=0", made.name, check=False)
