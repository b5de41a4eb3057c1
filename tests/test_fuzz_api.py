"""A few hundred questions to a running service, by its own description; many more by `python -m tests.fuzz_api`."""

import fuzz_api
import pytest
from conftest import StartServer
from fuzz_api import Operation
from schemathesis import GenerationMode

# Right and wrong questions to each route with an image, and to each other one.
WITH_IMAGE, OTHERS = 10, 4


@pytest.fixture(scope="module")
def operations(start_server: StartServer) -> list[Operation]:
    """Of a service with a small limit, so that no answer takes long."""
    server = start_server(UPSCALER_MAX_PIXELS="20000", UPSCALER_MAX_FRAMES="4", UPSCALER_READ_TIMEOUT="5")
    return list(fuzz_api.operations(server.url))


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
def test_every_answer_is_described(operations: list[Operation], mode: GenerationMode) -> None:
    for operation in operations:
        fuzz_api.ask(operation, mode, WITH_IMAGE if operation.body else OTHERS, seed=0)
    assert len(operations) > 10
