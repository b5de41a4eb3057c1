"""Parsers of what clients and operators write: they read it, or refuse it as they say, in bounded time."""

import contextlib
import functools
import time
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from conftest import ROOT, encoded
from fakes import noise
from hypothesis import strategies
from hypothesis.strategies import SearchStrategy

from http_edge.forms import read_form
from http_edge.negotiation import negotiate
from http_edge.preferences import RESPOND_ASYNC, idempotency_key, prefers
from http_edge.recognition import boundary_in, encoded_image, recognise
from message_protocol import (
    ArchiveInput,
    EstimateInput,
    ImagesUpscaleInput,
    JobInput,
    JobsInput,
    ResultInput,
    UpscaleInput,
)
from superscaling.conversion.ncnn.param_file import read_layers
from superscaling.errors import MalformedMessage, ModelUnavailable, NotAcceptable, ServiceError

CORPUS = ROOT / "tests" / "corpus"
# s of this thread for a text of some hundred characters, on a busy machine.
MAX_SECONDS = 1
IMAGE = encoded(noise(2, 3))

Parser = Callable[[bytes], object]


def pieces(file: str) -> SearchStrategy[bytes]:
    """Texts of the pieces that lines of a file of the corpus are, and of others."""
    known = [line.replace(rb"\r\n", b"\r\n") for line in (CORPUS / file).read_bytes().splitlines()]
    piece = strategies.one_of(strategies.sampled_from(known), strategies.binary(max_size=8))
    return strategies.lists(piece, max_size=12).map(b"".join)


def as_query(kind: Callable[[dict[str, str]], object]) -> Parser:
    """A parser of options, from text with a name and a value in turn."""

    def parse(data: bytes) -> object:
        words = data.decode("utf-8", errors="replace").split("=")
        return kind(dict(zip(words[::2], words[1::2], strict=False)))

    return parse


def as_header(parse: Callable[[str], object]) -> Parser:
    return lambda data: parse(data.decode("latin-1"))


def as_form(data: bytes) -> object:
    return read_form(data, boundary_in(data) or b"x")


def recognised(data: bytes) -> object:
    return recognise(data), encoded_image(data)


MALFORMED = (MalformedMessage,)
PARSERS: dict[str, tuple[str, Parser, tuple[type[ServiceError], ...]]] = {
    "a JSON message": ("json", UpscaleInput.from_json, MALFORMED),
    "a JSON message for LocalAI's route": ("json", ImagesUpscaleInput.from_json, MALFORMED),
    "a job as JSON": ("json", JobInput.from_json, MALFORMED),
    "options": ("options", as_query(lambda options: UpscaleInput.from_bytes(IMAGE, options)), MALFORMED),
    "options of a job": ("options", as_query(lambda options: JobInput.from_bytes(IMAGE, options)), MALFORMED),
    "an estimate": ("options", as_query(EstimateInput.from_query), MALFORMED),
    "a group": ("options", as_query(JobsInput.from_query), MALFORMED),
    "a result": ("options", as_query(ResultInput.from_query), MALFORMED),
    "an archive": ("options", as_query(ArchiveInput.from_query), MALFORMED),
    "a form": ("form", as_form, MALFORMED),
    "what a body is": ("json", recognised, ()),
    "what a form is": ("form", recognised, ()),
    "Accept": ("headers", as_header(negotiate), (NotAcceptable,)),
    "Prefer": ("headers", as_header(functools.partial(prefers, RESPOND_ASYNC)), ()),
    "Idempotency-Key": ("headers", as_header(idempotency_key), MALFORMED),
}


@pytest.mark.parametrize("name", PARSERS)
def test_it_is_read_or_refused(name: str) -> None:
    file, parse, refusals = PARSERS[name]

    @hypothesis.settings(max_examples=80, deadline=None, derandomize=True, database=None)
    @hypothesis.given(pieces(file))
    def holds(data: bytes) -> None:
        _check(parse, data, refusals)

    holds()


@hypothesis.settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(data=pieces("param"))
def test_a_network_of_ncnn_is_read_or_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "network.param"
    file.write_bytes(data)
    start = time.thread_time()
    with contextlib.suppress(ModelUnavailable):
        read_layers(file)
    assert time.thread_time() - start < MAX_SECONDS


def _check(parse: Parser, data: bytes, refusals: tuple[type[ServiceError], ...]) -> None:
    start = time.thread_time()
    with contextlib.suppress(*refusals):
        parse(data)
    assert time.thread_time() - start < MAX_SECONDS
