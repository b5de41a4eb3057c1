"""The errors themselves: they travel between processes."""

import copy
import pickle
from collections.abc import Iterator

import pytest

from superscaling.errors import (
    ImageCorrupt,
    ImageUndecodable,
    ServiceError,
    SettingInvalid,
    StartError,
    Unauthorized,
    http_error,
)


def kinds(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for each in kind.__subclasses__():
        yield from kinds(each)


def example(kind: type[ServiceError]) -> ServiceError:
    if kind is ImageCorrupt:
        return ImageCorrupt("no end")
    if kind is ImageUndecodable:
        return ImageUndecodable("too slow", "time", limit=3.5, setting="decode_timeout")
    if kind is Unauthorized:
        return Unauthorized("none", has_key=True)
    return kind("too many", limit=1, actual=2.5, setting="max_pixels", retry_after=3)


@pytest.mark.parametrize("kind", sorted(kinds(ServiceError), key=str), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("travel", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy], ids=["pickle", "copy"])
def test_an_error_of_a_request_arrives_as_it_is(kind: type[ServiceError], travel: object) -> None:
    assert callable(travel)
    error = example(kind)
    again = travel(error)
    assert type(again) is kind
    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))
    assert (again.status, again.code, again.title) == (error.status, error.code, error.title)


def test_an_error_of_http_arrives_as_it_is() -> None:
    error = http_error(414, "it is too long")
    again = pickle.loads(pickle.dumps(error))
    assert (again.status, again.code, again.title) == (414, "uri_too_long", "URI Too Long")


@pytest.mark.parametrize("kind", sorted(kinds(StartError), key=str), ids=lambda kind: kind.__name__)
def test_an_error_of_the_start_arrives_as_it_is(kind: type[StartError]) -> None:
    details = ("model", "x", "unknown") if kind is SettingInvalid else ()
    again = pickle.loads(pickle.dumps(kind("no model", *details)))
    assert (type(again), str(again)) == (kind, "no model")
