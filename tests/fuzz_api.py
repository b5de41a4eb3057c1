"""Ask a running service what its description allows, and what it does not: `make fuzz-api`.

Questions come from `/openapi.json`, by schemathesis, and most bodies are damaged pictures of the tests. No answer may
be 500, and each must have a status, a media type and a body that the description has. `test_fuzz_api.py` tries some of
it each time.
"""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, strategies
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

Operation = APIOperation[Any, Any, Any, Any]

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# s, for the slowest answer on a busy machine.
TIMEOUT = 60
# Of requests whose head is too long to find out whom they ask: no operation has these.
UNREAD = (414, 431)


def operations(url: str) -> Iterator[Operation]:
    """The operations of the service at `url`, whose bodies of image files are damaged pictures."""
    sys.path.insert(0, str(Path(__file__).parent))  # as pytest does
    import fuzz
    from pictures import SENT

    pictures = [sent.data for sent in SENT]
    files = strategies.builds(
        lambda seed, index: fuzz.damaged(pictures, seed, index), strategies.integers(0, 99), strategies.integers(0, 999)
    )
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json", timeout=TIMEOUT)
    for media_type in {each for path in schema.raw_schema["paths"].values() for each in _file_types(path)}:
        schemathesis.openapi.media_type(media_type, files | strategies.sampled_from(pictures))
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), f"the description has a defect: {found}"
        yield found.ok()


def _file_types(path: dict[str, dict[str, dict[str, dict[str, object]]]]) -> list[str]:
    contents = path.get("post", {}).get("requestBody", {}).get("content", {})
    return [each for each in contents if each.startswith("image/") or each == "application/octet-stream"]


def ask(operation: Operation, mode: GenerationMode, count: int, seed: int) -> None:
    """Ask so many questions of one kind.

    Raises:
        FailureGroup: an answer was not what the description says; with a command that repeats it.
    """

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(operation.as_strategy(mode))
    def question(case: Case[Any]) -> None:
        response = case.call(timeout=TIMEOUT)
        if response.status_code not in UNREAD:
            case.validate_response(response, checks=CHECKS)

    with contextlib.suppress(Unsatisfiable):  # nothing can be wrong with a question that has no parameters
        question()


def main() -> None:
    """Ask the service, and say what it answered wrongly."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:7777")
    parser.add_argument("--count", type=int, default=500, help="questions for each operation, right and wrong ones")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    failures = 0
    for operation in operations(arguments.url):
        for mode in GenerationMode:
            print(operation.label, mode.value, flush=True)
            try:
                ask(operation, mode, arguments.count, arguments.seed)
            except (AssertionError, BaseExceptionGroup) as exc:
                failures += 1
                print(exc)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
