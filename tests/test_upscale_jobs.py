"""`python -m upscale --jobs`: jobs are submitted, found again and fetched, whatever happens to the connection."""

import hashlib
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from conftest import SAMPLES, Server, encoded, photograph
from in_process import upscale
from test_upscale import COMMAND, environ, tree
from test_upscale_url import PROBLEM, Answer, Handler, Service, problem

SMALL, LARGE = encoded(photograph(12, 16)), encoded(photograph(24, 32))
TAG = f'"{hashlib.sha256(LARGE).hexdigest()}"'
ID = "01JDJ0000000000000000000AB"


class Script(Service):
    """A service whose answers are prepared; keeps what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    def say(self, *answers: Answer) -> None:
        def noted(answer: Answer) -> Answer:
            def answered(handler: Handler) -> None:
                headers = {name.lower(): value for name, value in handler.headers.items()}
                self.asked.append((handler.command, handler.path, headers))
                answer(handler)

            return answered

        self.answers += [noted(answer) for answer in answers]

    @property
    def keys(self) -> list[str]:
        return [headers["idempotency-key"] for method, _, headers in self.asked if method == "POST"]


@pytest.fixture
def service() -> Iterator[Script]:
    with Script() as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.02,))
        thread.start()
        yield service
        service.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(SMALL)
    return tmp_path


def job(status: str, http: int = 200, job_id: str = ID, **members: object) -> Answer:
    def answer(handler: Handler) -> None:
        handler.body()
        handler.start(http, "application/json", Retry_After="0")
        handler.wfile.write(json.dumps({"id": job_id, "status": status, "done": 0, "total": 0, **members}).encode())

    return answer


def accepted(status: str = "queued", job_id: str = ID, **members: object) -> Answer:
    def answer(handler: Handler) -> None:
        assert handler.headers["Content-Type"] == "application/octet-stream"
        job(status, 202, job_id, **members)(handler)

    return answer


def result(data: bytes = LARGE, size: int = len(LARGE), tag: str = TAG, **headers: str) -> Answer:
    """The result, or as much of it as `data` has before the connection ends."""

    def answer(handler: Handler) -> None:
        sides = {"X_Result_Width": "32", "X_Result_Height": "24"}
        handler.start(200, "image/png", Content_Length=str(size), ETag=tag, **sides, **headers)
        handler.wfile.write(data)

    return answer


def rest(first: int, data: bytes = LARGE) -> Answer:
    def answer(handler: Handler) -> None:
        assert (handler.headers["Range"], handler.headers["If-Range"]) == (f"bytes={first}-", TAG)
        part = f"bytes {first}-{len(data) - 1}/{len(data)}"
        handler.start(206, "image/png", Content_Length=str(len(data) - first), Content_Range=part, ETag=TAG)
        handler.wfile.write(data[first:])

    return answer


def hangs_up(handler: Handler) -> None:
    handler.body()
    handler.close_connection = True


def run(folder: Path, service: Service, *words: str) -> subprocess.CompletedProcess[bytes]:
    return upscale(folder, "--jobs", "--url", service.url, "in", "-o", "out", *words)


def test_a_folder(folder: Path, service: Script) -> None:
    """Each image becomes a job; the results come as they get done."""
    (folder / "in" / "sub").mkdir()
    (folder / "in" / "sub" / "b.png").write_bytes(SMALL + b"another")
    other = ID.replace("AB", "CD")
    service.say(
        accepted(), accepted(job_id=other), job("running", total=2, done=1), job("done", job_id=other), result(),
        job("done"), result(X_Upscaler_Notes="16 bits were read as 8; one more"),
    )  # fmt: skip
    done = run(folder, service, "--scale", "3", "--format", "png", "--group", "holiday")
    assert done.returncode == 0, done.stderr
    assert tree(folder / "out") == {"a.png", "sub/b.png"}
    assert (folder / "out" / "a.png").read_bytes() == (folder / "out" / "sub" / "b.png").read_bytes() == LARGE
    said = done.stderr.decode()
    assert "in/a.png -> out/a.png: 32 x 24 px, " in said
    assert "in/a.png: note: one more" in said
    assert "2 done, 0 failed" in said
    paths = [urlsplit(path) for _, path, _ in service.asked]
    assert [path.path for path in paths].count(f"/jobs/{ID}/result") == 1
    assert dict(parse_qsl(paths[0].query)) == {"scale": "3", "format": "png", "group": "holiday"}
    first, second = service.keys
    assert first != second
    assert len(first) == 64


def test_the_same_command_finds_the_same_job(folder: Path, service: Script) -> None:
    """Wherever the file lies; with other options, or another content, it is another job."""
    service.say(accepted("done"), result(), accepted("done"), result(), accepted("done"), result())
    assert run(folder, service).returncode == 0
    (folder / "in" / "a.png").rename(folder / "in" / "renamed.png")
    assert run(folder, service).returncode == 0
    assert run(folder, service, "--force", "--quality", "90").returncode == 0
    one, again, other = service.keys
    assert one == again != other


def test_a_broken_download_goes_on_where_it_ended(folder: Path, service: Script) -> None:
    """Also twice, and from the start if the service has another result by then."""
    busy = problem(503, Retry_After="0")
    service.say(accepted("done"), result(LARGE[:100]), busy, rest(100))
    service.say(accepted("done"), busy, result(LARGE[:9], tag='"x"'), result())
    assert run(folder, service).returncode == 0
    assert (folder / "out" / "a.png").read_bytes() == LARGE
    assert run(folder, service, "--force").returncode == 0
    assert (folder / "out" / "a.png").read_bytes() == LARGE
    assert not service.answers


def test_the_key_goes_with_every_request(folder: Path, service: Script) -> None:
    (folder / "key").write_text("us_4711\n")
    service.say(accepted(), job("done"), result(LARGE[:9]), rest(9))
    done = run(folder, service, "--key-file", "key")
    assert done.returncode == 0, done.stderr
    assert [headers["authorization"] for _, _, headers in service.asked] == ["Bearer us_4711"] * 4


def test_broken_connections_are_made_again(folder: Path, service: Script) -> None:
    """The submission has the same key each time."""
    service.say(problem(429, Retry_After="0"), hangs_up, accepted(), hangs_up, job("done"), problem(502), result())
    done = run(folder, service)
    assert done.returncode == 0, done.stderr
    assert len(set(service.keys)) == 1
    assert (folder / "out" / "a.png").read_bytes() == LARGE


@pytest.mark.parametrize(
    "answers",
    [
        [accepted("cancelled"), accepted("done")],
        [accepted("failed", problem={**PROBLEM, "status": 422}), accepted("done")],
        [accepted("done"), problem(410, code="expired"), accepted("done")],
    ],
    ids=["cancelled", "failed", "expired"],
)
def test_an_earlier_job_without_a_result_is_passed_over(folder: Path, service: Script, answers: list[Answer]) -> None:
    service.say(*answers, result())
    done = run(folder, service)
    assert done.returncode == 0, done.stderr
    first, second = service.keys
    assert first != second


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([problem(422)], "no, thank you"),
        ([problem(503, Retry_After="0")] * 2, "no, thank you (tried 2 times)"),
        ([accepted(), job("failed", problem={**PROBLEM, "status": 422})], "no, thank you"),
        ([accepted(), job("failed", problem={**PROBLEM, "status": 503})], "no, thank you"),
        ([accepted(), job("cancelled")], "the job was cancelled"),
        ([accepted(), problem(404)], "the service no longer knows the job"),
        ([accepted("done"), problem(409)], "no, thank you"),
        ([accepted("done"), result(tag=f'"{"0" * 64}"')], "the result did not arrive as the service has it"),
        (
            [accepted("done"), result(LARGE[:50]), rest(50, LARGE[:-1] + b"x")],
            "the result did not arrive as the service has it",
        ),
    ],
)
def test_failures(folder: Path, service: Script, answers: list[Answer], reason: str) -> None:
    """Nothing is left of a broken result."""
    service.say(*answers)
    done = run(folder, service, "--retries", "1")
    said = done.stderr.decode()
    assert done.returncode == 1, said
    assert f"in/a.png: failed: {reason}" in said
    assert tree(folder) == {"in/a.png"}
    assert not service.answers


def test_a_service_that_does_not_answer_about_a_job_is_given_up(
    folder: Path, service: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by the number of attempts, but after as long as one that is away."""
    busy = problem(503, Retry_After="0")
    service.say(accepted(), *[busy] * 3, job("done"), busy, result())
    done = run(folder, service, "--retries", "1")
    assert done.returncode == 0, done.stderr
    service.say(accepted(), busy, busy)
    monkeypatch.setattr("upscale.in_background.MAX_ABSENCE", 0)
    given_up = run(folder, service, "--retries", "1", "--force")
    assert given_up.returncode == 1
    assert "in/a.png: failed: no, thank you (tried 2 times)" in given_up.stderr.decode()
    assert not service.answers


def test_a_failure_stops_no_other_image(folder: Path, service: Script) -> None:
    (folder / "in" / "b.png").write_bytes(b"")
    (folder / "in" / "c.png").write_bytes(SMALL)
    service.say(problem(413), accepted("done"), result())
    done = run(folder, service)
    assert done.returncode == 1
    said = done.stderr.decode()
    assert "in/a.png: no, thank you" in said
    assert "in/b.png: failed: the file is empty" in said
    assert tree(folder / "out") == {"c.png"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (problem(404, code="jobs_off"), "no, thank you"),
        (problem(401), "no, thank you (here: with --key-file, or in the environment as UPSCALE_API_KEY)"),
        (job("queued", 202, job_id="../models"), "the answer has no valid id of a job"),
        (job("asleep", 202), "the answer is not a job"),
        (result(), "the answer is not a job"),
    ],
)
def test_wrong_for_all(folder: Path, service: Script, answer: Answer, reason: str) -> None:
    (folder / "in" / "b.png").write_bytes(SMALL + b"another")
    service.say(answer)
    done = run(folder, service)
    assert done.returncode == 1
    assert done.stderr.decode() == f"upscale: {service.url}: {reason}\n0 done, 0 failed, 2 left\n"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--jobs", "in"], "--jobs needs --url"),
        (["--group", "x", "--url", "http://localhost:1", "in"], "--group needs --jobs"),
        (["--jobs", "--url", "http://localhost:1", "--group", "-x", "in"], "group"),
        (["--jobs", "--url", "http://localhost:1", "-"], "--jobs reads and writes files"),
        (["--jobs", "--url", "http://localhost:1", "in/a.png", "-o", "-"], "--jobs reads and writes files"),
    ],
)
def test_wrong_usage(folder: Path, words: list[str], reason: str) -> None:
    done = upscale(folder, *words, stdin=SMALL)
    assert done.returncode == 2
    assert reason in done.stderr.decode()
    assert tree(folder) == {"in/a.png"}


def test_the_real_service(folder: Path, server: Server) -> None:
    """Its results are those of plain requests; the same command finds the jobs again."""
    (folder / "in" / "animated.gif").write_bytes((SAMPLES / "bouncing-ball.gif").read_bytes())
    (folder / "in" / "broken.png").write_bytes(SMALL[: len(SMALL) // 2])
    words = ("--scale", "1.5", "--format", "webp", "--group", "of-the-command-line")
    for again in ([], ["--force"]):
        done = upscale(folder, "--jobs", "--url", server.url, "in", "-o", "out", *words, *again)
        said = done.stderr.decode()
        assert done.returncode == 1, said
        assert "2 done, 1 failed" in said
        assert "in/broken.png: failed: " in said
    for name, image in (("a", SMALL), ("animated", (SAMPLES / "bouncing-ball.gif").read_bytes())):
        plain = server.upscale(image, scale="1.5", format="webp").content
        assert (folder / "out" / f"{name}.webp").read_bytes() == plain
    listed = httpx.get(f"{server.url}/jobs", params={"group": "of-the-command-line"}).json()["jobs"]
    assert sorted(each["status"] for each in listed) == ["done", "done", "failed", "failed"], "one is tried again"


def test_interrupted(folder: Path, service: Script) -> None:
    """The job goes on, and the program says how to go on with it."""
    watched = threading.Event()

    def running(handler: Handler) -> None:
        watched.set()
        handler.start(200, "application/json", Retry_After="60")
        handler.wfile.write(json.dumps({"id": ID, "status": "running", "done": 1, "total": 2}).encode())

    service.say(accepted(), running)
    command = [*COMMAND, "--jobs", "--url", service.url, "in", "-o", "out"]
    with subprocess.Popen(command, cwd=folder, env=environ(), stderr=subprocess.PIPE, text=True) as process:
        assert watched.wait(60)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait(60) == 130
    assert said == "what is handed in goes on at the service; the same command fetches the results\ninterrupted\n"
    assert [method for method, _, _ in service.asked] == ["POST", "GET"], "nothing is cancelled"
