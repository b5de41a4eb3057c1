"""Jobs in real services without a broker: killed, started again, and two on one store."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import httpx
from conftest import Server, StartServer, encoded, photograph, wait_for

# Blocks of a tile or two, so that a small picture has many.
SETTINGS = {"UPSCALER_JOBS_BLOCK_SECONDS": "0.05", "UPSCALER_TILE": "64", "UPSCALER_LOG_FORMAT": "json"}
IMAGE = encoded(photograph(512, 512))
MEDIUM = encoded(photograph(320, 384))
SMALL = encoded(photograph(80, 80, 1))
# Far more than anything here takes, for machines that are busy.
LONG = 120.0


def post(server: Server, image: bytes) -> str:
    answer = httpx.post(f"{server.url}/jobs", content=image, headers={"Content-Type": "image/png"}, timeout=LONG)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def status(server: Server, job_id: str) -> dict[str, Any]:
    return dict(httpx.get(f"{server.url}/jobs/{job_id}", timeout=LONG).json())


def result(server: Server, job_id: str) -> bytes:
    assert wait_for(lambda: status(server, job_id)["status"] not in ("queued", "running"), LONG, 0.2)
    answer = httpx.get(f"{server.url}/jobs/{job_id}/result", timeout=LONG)
    assert answer.status_code == 200, answer.text
    return answer.content


def finished(store: Path, job_id: str) -> set[str]:
    """The blocks that are finished."""
    folder = store / "jobs" / job_id / "out"
    return {f"block-{path.name}" for path in folder.iterdir()} if folder.is_dir() else set()


def steps(server: Server, job_id: str) -> list[str]:
    """The steps of a job that a service did, in order."""
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    done = [line for line in lines if line["message"] == "step" and line["outcome"] == "done"]
    return [line["step"] for line in done if line["job"] == job_id]


def kill(server: Server) -> None:
    """Kill a service, both its processes, as a power failure would."""
    worker = int(server.worker.name)
    os.kill(server.process.pid, signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    server.process.wait(LONG)


def test_a_killed_service_goes_on_at_the_last_finished_block(start_server: StartServer, tmp_path: Path) -> None:
    settings = {**SETTINGS, "UPSCALER_JOBS_STORE": str(tmp_path)}
    first = start_server(**settings)
    expected = first.upscale(MEDIUM).content
    job_id = post(first, MEDIUM)
    assert wait_for(lambda: len(finished(tmp_path, job_id)) >= 3, LONG)
    kill(first)
    before = finished(tmp_path, job_id)
    assert status_of_store(tmp_path, job_id) == "running", "the kill came too late"
    second = start_server(**settings)
    assert result(second, job_id) == expected
    assert wait_for(lambda: "join" in steps(second, job_id), LONG), "its line comes after the end"
    again = steps(second, job_id)
    assert before.isdisjoint(again)
    assert len(again) == len(set(again))


def status_of_store(store: Path, job_id: str) -> str:
    return "ended" if (store / "jobs" / job_id / "end.json").exists() else "running"


def test_two_services_on_one_store_share_the_jobs(start_server: StartServer, tmp_path: Path) -> None:
    """One does them all, until it is killed."""
    settings = {**SETTINGS, "UPSCALER_JOBS_STORE": str(tmp_path)}
    one, other = start_server(**settings), start_server(**settings)
    cancelled = post(one, IMAGE)
    assert wait_for(lambda: len(finished(tmp_path, cancelled)) >= 1, LONG)
    assert httpx.delete(f"{other.url}/jobs/{cancelled}", timeout=LONG).status_code == 204
    assert status(one, cancelled)["status"] == "cancelled"
    large = post(one, IMAGE)
    assert wait_for(lambda: len(finished(tmp_path, large)) >= 1, LONG)
    small = post(other, SMALL)
    assert result(other, small) == one.upscale(SMALL).content
    assert wait_for(lambda: "join" in steps(one, small), LONG)
    assert steps(other, small) == []
    assert status_of_store(tmp_path, large) == "running", "nothing is left to be taken over"
    kill(one)
    before = finished(tmp_path, large)
    assert result(other, large) == other.upscale(IMAGE).content
    assert before.isdisjoint(steps(other, large))
    assert other.stop() == 0


def test_a_service_stops_in_the_middle_of_a_job(start_server: StartServer, tmp_path: Path) -> None:
    settings = {**SETTINGS, "UPSCALER_JOBS_BLOCK_SECONDS": "60", "UPSCALER_JOBS_STORE": str(tmp_path)}
    server = start_server(**settings)
    job_id = post(server, IMAGE)
    assert wait_for(lambda: status(server, job_id)["done"] >= 1, LONG)
    assert finished(tmp_path, job_id) == set()
    assert server.stop() == 0
    assert status_of_store(tmp_path, job_id) == "running"
    assert [*(tmp_path / "jobs" / job_id / "tries").glob("*")] == [], "a stop counts as no failure"
    assert [*(tmp_path / "lease").glob("*")] == [], "the next process need not wait"
