"""A few hundred questions to a running service, by its own description; many more by `python -m tests.fuzz_api`."""

from conftest import StartServer

# Right and wrong questions to each route with an image, and to each other one.
WITH_IMAGE, OTHERS = 10, 4


def test_every_answer_is_described(start_server: StartServer) -> None:
    """By a service with small limits, so that no answer takes long."""
    import fuzz_api  # late: it loads schemathesis
    from schemathesis import GenerationMode

    server = start_server(UPSCALER_MAX_PIXELS="20000", UPSCALER_MAX_FRAMES="4", UPSCALER_READ_TIMEOUT="5")
    operations = list(fuzz_api.operations(server.url))
    assert len(operations) > 10
    for mode in GenerationMode:
        for operation in operations:
            fuzz_api.ask(operation, mode, WITH_IMAGE if operation.body else OTHERS, seed=0)
