"""Run coroutines that never wait for an event loop, because their transport blocks the thread instead.

So requests, retries and streams are written once, for threads and for asyncio.
"""

import contextlib
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

Value = TypeVar("Value")


def run(coroutine: Coroutine[Any, Any, Value]) -> Value:
    """Run a coroutine to its end."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: Value = end.value
        return value
    coroutine.close()
    raise RuntimeError("the coroutine waits for an event loop")


def iterate(values: AsyncIterator[Value]) -> Iterator[Value]:
    """Yield what an asynchronous iterator does."""

    async def step() -> list[Value]:
        async for value in values:
            return [value]
        return []

    while found := run(step()):
        yield found[0]


@contextlib.contextmanager
def entered(manager: AbstractAsyncContextManager[AsyncIterator[Value]]) -> Iterator[Iterator[Value]]:
    """Enter an asynchronous context whose value is iterated over."""

    async def enter() -> AsyncIterator[Value]:
        return await stack.enter_async_context(manager)

    stack = contextlib.AsyncExitStack()
    try:
        yield iterate(run(enter()))
    finally:
        run(stack.aclose())
