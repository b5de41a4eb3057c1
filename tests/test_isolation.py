"""A decoder that crashes, hangs or takes all memory ends its own picture and nothing else: through `POST /upscale`."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from conftest import ROOT, Server, StartServer, connection, encoded, photograph, wait_for
from fakes import patience
from pictures import SENT, Sent
from test_animations import ANIMATED
from test_metrics import figures

from superscaling.errors import ClientGone, ImageTooLarge, ImageUndecodable, ServiceError, StartError
from superscaling.format_name import FormatName
from superscaling.isolation import Decoders, EncodeCall, Handover, InThisProcess, process, transfer
from superscaling.isolation.process import DecoderProcess
from superscaling.isolation.worker import Call
from superscaling.metadata_choice import MetadataChoice
from superscaling.pictures import Frame, Limits, Picture, decode, inspect
from superscaling.scheduling import Deadline, Timings

LIMITS = Limits(10_000_000, 100)
TIMEOUT = 1.5  # s

# Python runs this in every process of a server. Its BMPs say with their last bytes what happens to who decodes them.
MISCHIEF = """
import ctypes, os, signal, struct, time
from multiprocessing.reduction import send_handle
from superscaling.format_name import FormatName
from superscaling.isolation import worker
from superscaling.pictures import decoding

class Reader(decoding.BmpReader):
    def __init__(self, data, limits):
        self.last_word = data.rpartition(b" ")[2].decode(errors="replace")
        if self.last_word.startswith("header-"):
            getattr(self, self.last_word.removeprefix("header-"))()
        super().__init__(data, limits)

    def decode(self):
        getattr(self, self.last_word, lambda: None)()
        return super().decode()

    def exit(self): os._exit(7)
    def leave(self): os._exit(0)
    def abort(self): os.abort()
    def segfault(self): ctypes.string_at(0)
    def sleep(self): time.sleep(1000)
    def hang(self): ctypes.PyDLL(None).sleep(1000)  # no Python code runs meanwhile, no signal handler either
    def stop(self):  # in the middle of the answer
        def send(connection, answer):
            os.write(connection.fileno(), struct.pack("!i", 1_000_000) + bytes(1000))
            os.kill(os.getpid(), signal.SIGSTOP)
        worker.send = send
    def babble(self):  # an answer in memory that its sender can still take away
        def send(connection, answer):
            memory = os.memfd_create("pixels")
            os.truncate(memory, 64)
            connection.send((b"", [64], []))
            send_handle(connection, memory, None)
        worker.send = send
    def doze(self): time.sleep(1)
    def encoder_hangs(self): worker.encode = lambda *order: time.sleep(1000)
    def encoder_crashes(self): worker.encode = lambda *order: os.abort()
    def encoder_is_hungry(self): worker.encode = lambda *order: bytearray(1 << 60)
    def defect(self): decoding._size(None)
    def killed(self): os.kill(os.getpid(), signal.SIGKILL)
    def allocate(self):
        taken = []
        while True:
            taken.append(bytearray(10_000_000))

decoding.READERS[FormatName.BMP] = Reader
"""
GOOD = encoded(photograph(30, 40), "BMP")


def bad(word: str) -> bytes:
    return GOOD + f" {word}".encode()


@pytest.fixture(scope="module")
def mischief(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("mischief")
    (folder / "sitecustomize.py").write_text(MISCHIEF)
    return f"{folder}:{ROOT}"


@pytest.fixture(scope="module")
def tried_server(start_server: StartServer, mischief: str) -> Server:
    return start_server(PYTHONPATH=mischief, UPSCALER_DECODE_TIMEOUT=str(TIMEOUT))


@pytest.fixture(scope="module")
def patient_server(start_server: StartServer, mischief: str) -> Server:
    return start_server(PYTHONPATH=mischief, UPSCALER_DECODE_TIMEOUT="100")


def children(process: Path) -> list[Path]:
    """Of all threads of a process; they and it are below /proc."""
    found = list[str]()
    for thread in process.glob("task/*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += (thread / "children").read_text().split()
    return [Path("/proc") / pid for pid in found]


def runs(process: Path) -> bool:
    """Whether it is there, and not only its exit status."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def decoders_below(process: Path) -> list[Path]:
    """The decoder processes of a process: the children of its fork server."""
    return [each for child in children(process) for each in children(child)]


def decoders_of(server: Server) -> list[Path]:
    """The decoder processes of a service."""
    return decoders_below(server.worker)


FATES = [
    ("exit", 422, "image_undecodable", "crash"),
    ("leave", 422, "image_undecodable", "crash"),
    ("abort", 422, "image_undecodable", "crash"),
    ("segfault", 422, "image_undecodable", "crash"),
    ("header-segfault", 422, "image_undecodable", "crash"),
    ("sleep", 422, "image_undecodable", "time"),
    ("hang", 422, "image_undecodable", "time"),
    ("header-hang", 422, "image_undecodable", "time"),
    ("stop", 422, "image_undecodable", "time"),
    ("header-stop", 422, "image_undecodable", "time"),
    ("babble", 503, "decoder_unavailable", "unavailable"),
    ("allocate", 422, "image_undecodable", "memory"),
    ("header-allocate", 422, "image_undecodable", "memory"),
    ("killed", 503, "decoder_unavailable", "unavailable"),
]


@pytest.mark.parametrize(("word", "status", "code", "reason"), FATES, ids=[fate[0] for fate in FATES])
def test_one_picture_ends(tried_server: Server, word: str, status: int, code: str, reason: str) -> None:
    """It is answered in time and in words; a request beside it and those after it are answered as ever."""
    server, process = tried_server, tried_server.worker
    other = encoded(photograph(100, 100), "JPEG")
    expected = server.upscale(other).content
    counter = f'upscaler_decoder_failures_total{{reason="{reason}"}}'
    count = figures(server)[counter]
    with ThreadPoolExecutor() as threads:
        beside = [threads.submit(server.upscale, other) for _ in range(3)]
        start = time.monotonic()
        answer = server.upscale(bad(word))
        seconds = time.monotonic() - start
        assert [each.result().content == expected for each in beside] == [True] * 3
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert seconds < TIMEOUT + 5
    if reason == "time":
        assert problem["limit"] == TIMEOUT
        assert problem["setting"] == "UPSCALER_DECODE_TIMEOUT"
        assert "took longer than 1.5 s" in problem["detail"]
    if reason == "memory":
        assert f"more than {problem['limit']} MB of memory" in problem["detail"]
    if status == 503:
        assert int(answer.headers["Retry-After"]) > 0
    assert figures(server)[counter] == count + 1
    assert f"{answer.headers['X-Request-ID']} {code}: {problem['detail']}" in server.logged()
    assert server.upscale(GOOD).status_code == 200
    assert server.worker == process


def test_the_log_says_where_it_crashed(tried_server: Server) -> None:
    before = len(tried_server.logged())
    assert tried_server.upscale(bad("segfault")).status_code == 422
    logged = tried_server.logged()[before:]
    assert "a decoder process ended by SIGSEGV" in logged
    assert "sitecustomize.py" in logged


def test_a_defect_keeps_its_traceback(tried_server: Server) -> None:
    """What our own code does wrong is no fault of the picture."""
    before = len(tried_server.logged())
    answer = tried_server.upscale(bad("defect"))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    logged = tried_server.logged()[before:]
    assert "In the decoder process" in logged
    assert "in _size" in logged
    assert "AttributeError" in logged


@pytest.mark.parametrize("word", ["hang", "stop"])
def test_files_that_hang_block_no_other(patient_server: Server, word: str) -> None:
    """Once their clients have gone, their decoders are freed."""
    server, file, count = patient_server, bad(word), 8
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(connection(server, f"Content-Length: {len(file)}"))
            client.sendall(file)
        assert wait_for(lambda: len(decoders_of(server)) >= count)
        hanging = decoders_of(server)
        assert server.upscale(GOOD).status_code == 200
        assert set(hanging) <= set(decoders_of(server))
    assert wait_for(lambda: len(decoders_of(server)) <= 2)
    assert wait_for(lambda: figures(server)["upscaler_requests_in_progress"] == 0)
    assert server.upscale(GOOD).status_code == 200


@pytest.fixture(scope="module")
def hasty_server(start_server: StartServer, mischief: str) -> Server:
    return start_server(PYTHONPATH=mischief, UPSCALER_DECODE_TIMEOUT="100", UPSCALER_TIMEOUT="3")


def test_the_requests_deadline_holds(hasty_server: Server) -> None:
    failures = 'upscaler_decoder_failures_total{reason="time"}'
    before = figures(hasty_server)[failures]
    answer = hasty_server.upscale(bad("sleep"))
    assert (answer.status_code, answer.json()["code"]) == (504, "deadline_passed")
    assert figures(hasty_server)[failures] == before + 1


def test_the_deadline_ends_an_encoder(hasty_server: Server) -> None:
    answer = hasty_server.upscale(bad("encoder_hangs"))
    assert (answer.status_code, answer.json()["code"]) == (504, "deadline_passed")
    assert hasty_server.upscale(GOOD).status_code == 200


@pytest.mark.parametrize("word", ["encoder_crashes", "encoder_is_hungry"])
def test_an_encoder_that_fails_ends_its_picture_only(hasty_server: Server, word: str) -> None:
    answer = hasty_server.upscale(bad(word))
    assert (answer.status_code, answer.json()["code"]) == (503, "decoder_unavailable")
    assert "the result could not be written" in answer.json()["detail"]
    assert hasty_server.upscale(GOOD).status_code == 200


@pytest.mark.parametrize("word", ["header-sleep", "sleep", "encoder_hangs"])
def test_a_hang_up_frees_the_place_at_every_step(patient_server: Server, word: str) -> None:
    file = bad(word)
    with connection(patient_server, f"Content-Length: {len(file)}") as client:
        client.sendall(file)
        assert wait_for(lambda: figures(patient_server)["upscaler_requests_in_progress"] == 1)
        time.sleep(0.5)
        assert wait_for(lambda: bool(decoders_of(patient_server)))
        busy = set(decoders_of(patient_server))
    assert wait_for(lambda: figures(patient_server)["upscaler_requests_in_progress"] == 0, 5)
    assert wait_for(lambda: not busy <= set(decoders_of(patient_server)))


def test_an_idle_decoder_that_is_killed_is_replaced(server: Server) -> None:
    """As the kernel does, which ends decoders first when memory runs out."""
    assert server.upscale(GOOD).status_code == 200
    idle = decoders_of(server)
    for each in idle:
        assert int((each / "oom_score_adj").read_text()) == 1000
        os.kill(int(each.name), signal.SIGKILL)
    assert wait_for(lambda: not any(map(runs, idle)))
    assert server.upscale(GOOD).status_code == 200


def test_a_fork_server_that_is_killed_is_replaced(server: Server) -> None:
    assert server.upscale(GOOD).status_code == 200
    before = children(server.worker)
    forked = decoders_of(server)
    for each in before:
        os.kill(int(each.name), signal.SIGKILL)
    assert wait_for(lambda: not any(map(runs, (*before, *forked))))
    assert server.upscale(GOOD).status_code == 200
    assert decoders_of(server)


def test_decoders_hold_neither_the_engine_nor_a_port(server: Server) -> None:
    assert server.upscale(GOOD).status_code == 200
    table = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [row[9] for row in table if row[1].endswith(f":{server.port:04X}") and row[3] == "0A"]
    assert listening
    for each in (*children(server.worker), *decoders_of(server)):
        assert "libopenvino" not in (each / "maps").read_text()
        files = [os.readlink(file) for file in (each / "fd").iterdir()]
        assert not {f"socket:[{inode}]" for inode in listening} & set(files)


def test_decoders_end_with_a_service_that_is_killed(patient_server: Server) -> None:
    """The last test of this service."""
    server = patient_server
    file = bad("hang")
    with connection(server, f"Content-Length: {len(file)}") as client:
        client.sendall(file)
        assert wait_for(lambda: figures(server)["upscaler_queue_depth"] == 1)
        family = [*children(server.worker), *decoders_of(server)]
        assert len(family) >= 3
        worker = int(server.worker.name)
        server.process.kill()
        os.kill(worker, signal.SIGKILL)
        assert wait_for(lambda: not any(map(runs, family)), 10)


def test_sigterm_to_all_processes_lets_a_decoder_finish(start_server: StartServer, mischief: str) -> None:
    """As systemd sends it."""
    server = start_server(PYTHONPATH=mischief)
    family = [*children(server.worker), *decoders_of(server)]
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(server.upscale, bad("doze"))
        assert wait_for(lambda: figures(server)["upscaler_queue_depth"] == 1)
        for pid in (server.process.pid, *(int(each.name) for each in family)):
            os.kill(pid, signal.SIGTERM)
        assert answer.result().status_code == 200
    assert server.process.wait(30) == 0
    assert wait_for(lambda: not any(map(runs, family)), 10)


def test_a_service_without_decoders_does_not_start(tmp_path: Path, start_server: StartServer) -> None:
    (tmp_path / "sitecustomize.py").write_text("import multiprocessing\nmultiprocessing.set_executable('/bin/false')\n")
    with pytest.raises(AssertionError, match="the decoder processes can't be started"):
        start_server(PYTHONPATH=str(tmp_path))


def test_the_command_line_survives_a_file(mischief: str, tmp_path: Path) -> None:
    for name, content in {"a.bmp": GOOD, "b.bmp": bad("segfault"), "c.bmp": GOOD}.items():
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "-m", "upscale", str(tmp_path), "-o", str(tmp_path / "out")]
    environ = {**os.environ, "PYTHONPATH": mischief}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "b.bmp: failed: the image crashed the decoder" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.bmp", "c.bmp"]


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    made = Decoders(60)
    yield made
    made.close()
    assert not made.pids


def same(one: object, other: object) -> bool:
    """Whether two pictures or parts of them are equal."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, tuple):
        return isinstance(other, tuple) and len(one) == len(other) and all(map(same, one, other))
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(other) and same(tuple(vars(one).values()), tuple(vars(other).values()))
    return one == other


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.name)
def test_pictures_arrive_as_they_are(decoders: Decoders, sent: Sent) -> None:
    image = decoders.inspect(sent.data, LIMITS, *patience())
    assert (image.format, image.sizes) == (inspect(sent.data, LIMITS).format, inspect(sent.data, LIMITS).sizes)
    assert same(image.decode(), decode(sent.data, LIMITS))


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.name)
def test_results_are_the_same_files(decoders: Decoders, sent: Sent) -> None:
    picture = decode(sent.data, LIMITS)
    name = FormatName.PNG if picture.format is FormatName.BMP else picture.format  # a BMP has no transparency
    order = EncodeCall(picture, name, 80, 92, MetadataChoice.KEEP)
    here, there = (each.encode(Handover(order), *patience()) for each in (InThisProcess(), decoders))
    assert here == there


def test_pixels_are_freed_before_they_are_encoded(decoders: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    colour = np.zeros((1000, 1000, 3), np.uint8)
    pixels, receive, freed = weakref.ref(colour), transfer.receive, list[bool]()

    def seen(connection: Connection) -> object:
        freed.append(pixels() is None)
        return receive(connection)

    picture = Picture((Frame(colour),), FormatName.PNG)
    order = Handover(EncodeCall(picture, FormatName.PNG, None, 92, MetadataChoice.KEEP))
    del colour, picture
    monkeypatch.setattr(process, "receive", seen)
    decoders.encode(order, *patience())
    assert freed[-1]


def test_an_error_of_the_encoder_arrives_as_it_is(decoders: Decoders) -> None:
    wide = Picture((Frame(np.zeros((1, 70_000, 3), np.uint8)),), FormatName.PNG)
    order = EncodeCall(wide, FormatName.JPEG, None, 92, MetadataChoice.KEEP)
    said = set[str]()
    for each in (decoders, InThisProcess()):
        with pytest.raises(OSError, match="when writing image file") as refused:
            each.encode(Handover(order), *patience())
        said.add(str(refused.value))
    assert len(said) == 1


@pytest.mark.parametrize("length", [0, 1, transfer.LONG - 1, transfer.LONG, 3_000_001])
def test_bytes_and_arrays_travel_together(length: int) -> None:
    here, there = multiprocessing.Pipe()
    block, arrays = np.random.default_rng(0).bytes(length), (np.arange(5), np.arange(1000))
    value = [block, arrays[0], {"again": block, "other": block[::-1]}, arrays[1]]
    with ThreadPoolExecutor(1) as thread:
        sent = thread.submit(transfer.send, there, value)
        received = transfer.receive(here)
        sent.result()
    assert received[0] == received[2]["again"] == block
    assert received[2]["other"] == block[::-1]
    assert np.array_equal(received[1], arrays[0])
    assert np.array_equal(received[3], arrays[1])


@pytest.mark.parametrize("name", ANIMATED)
def test_animations_arrive_as_they_are(decoders: Decoders, name: str) -> None:
    assert same(decoders.inspect(ANIMATED[name], LIMITS, *patience()).decode(), decode(ANIMATED[name], LIMITS))


def test_refusals_arrive_as_they_are(decoders: Decoders) -> None:
    with pytest.raises(ImageTooLarge) as there:
        decoders.inspect(GOOD, Limits(10, 1), *patience())
    with pytest.raises(ImageTooLarge) as here:
        inspect(GOOD, Limits(10, 1))
    assert vars(there.value) == vars(here.value)
    assert str(there.value) == str(here.value)
    with pytest.raises(ServiceError, match=r"^the image is truncated or corrupt: (?!the image is)"):
        decoders.inspect(GOOD[:60], LIMITS, *patience()).decode()


def test_one_decoder_serves_one_picture_after_the_other(decoders: Decoders) -> None:
    for _ in range(20):
        decoders.inspect(GOOD, LIMITS, *patience()).decode()
    assert len(decoders.pids) == 1


def test_decoders_are_replaced_before_they_grow_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("superscaling.isolation.decoders.MAX_CALLS", 2)
    made = Decoders(60)
    seen = set()
    for _ in range(3):
        image = made.inspect(GOOD, LIMITS, *patience())
        seen.update(made.pids)
        image.decode()
    made.close()
    assert len(seen) == 3


def test_a_decoder_that_takes_no_file_is_ended() -> None:
    """It is stopped before the file is sent, which is larger than what a socket holds."""
    made = Decoders(TIMEOUT)
    made.start()
    (pid,) = made.pids
    os.kill(pid, signal.SIGSTOP)
    start = time.monotonic()
    with pytest.raises(ImageUndecodable, match=r"took longer than 1\.5 s"):
        made.inspect(GOOD + bytes(50_000_000), LIMITS, *patience())
    assert time.monotonic() - start < TIMEOUT + 5
    assert not runs(Path("/proc") / str(pid))
    assert made.inspect(GOOD, LIMITS, *patience()).decode()
    made.close()


def test_who_has_gone_waits_for_no_stopped_decoder() -> None:
    made = Decoders(60)
    made.start()
    os.kill(made.pids[0], signal.SIGSTOP)
    gone = Deadline(60, is_client_gone=lambda: True)
    start = time.monotonic()
    with pytest.raises(ClientGone):
        made.inspect(GOOD + bytes(50_000_000), LIMITS, gone, Timings())
    assert time.monotonic() - start < 5
    assert not made.pids
    made.close()


def test_a_call_that_breaks_off_ends_its_process(decoders: Decoders) -> None:
    """Otherwise the next file would be taken for the rest of this one."""
    process = DecoderProcess()
    with pytest.raises(TypeError):
        process.call(Call(LIMITS, decode=False), cast(bytes, "no bytes"), 60, lambda: None)
    assert not process.is_usable
    assert not runs(Path("/proc") / str(process.pid))


@pytest.mark.parametrize("error", [OSError, RuntimeError])
def test_a_start_that_breaks_off_leaves_no_process(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def fail(_: object) -> None:
        raise error("no descriptor")

    made = Decoders(60)
    made.start()  # and with it the fork server
    made.inspect(GOOD, LIMITS, *patience())
    before = set(decoders_below(Path("/proc/self")))
    monkeypatch.setattr("superscaling.isolation.transfer.recv_handle", fail)
    other = Decoders(60)
    with pytest.raises(StartError, match="the decoder processes can't be started"):
        other.start()
    assert set(decoders_below(Path("/proc/self"))) <= before
    made.close()


def test_shared_memory_can_not_be_taken_away() -> None:
    here, there = multiprocessing.Pipe()
    array = np.arange(1000)
    transfer.send(there, array)
    here.recv()
    memory = recv_handle(here)
    for change in (lambda: os.truncate(memory, 0), lambda: os.pwrite(memory, b"x", 0)):
        with pytest.raises(PermissionError):
            change()
    os.close(memory)


def test_a_picture_is_not_copied(decoders: Decoders) -> None:
    """It lies in memory that the decoder has filled: shared, not this process's own."""
    file = encoded(photograph(3000, 3000), "BMP")
    picture = decoders.inspect(file, LIMITS, *patience()).decode()  # what is allocated once

    def own_bytes() -> int:
        return int(Path("/proc/self/status").read_text().partition("RssAnon:")[2].split()[0]) * 1024

    before = own_bytes()
    again = decoders.inspect(file, LIMITS, *patience()).decode()
    assert same(picture, again)
    assert own_bytes() - before < again.frames[0].colour.nbytes / 2
    assert not again.frames[0].colour.flags.writeable
