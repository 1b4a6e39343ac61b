"""Makes blocking methods of asynchronous ones, so that the two clients share every line.

`blocking(aio.Client.health)` is a method with the same signature and docstring that waits for the answer.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from palmette.loop_thread import LoopThread
from palmette.types import Listing

CoreT = TypeVar("CoreT")
CoreT_co = TypeVar("CoreT_co", covariant=True)
SelfT = TypeVar("SelfT", bound="Bridged[Any]")
P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


class Bridged(Generic[CoreT_co]):
    """Something synchronous with an asynchronous core that lives on a loop of its own."""

    def __init__(self, core: CoreT_co, loop: LoopThread) -> None:
        self._core = core
        self._loop = loop


def blocking(
    method: Callable[Concatenate[CoreT, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Bridged[CoreT], P], R]:
    """Return `method` as one that waits."""

    @functools.wraps(method)
    def wait(self: Bridged[CoreT], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._loop.run(method(self._core, *args, **kwargs))

    return wait


def blocking_handle(
    method: Callable[Concatenate[CoreT, P], Coroutine[Any, Any, R]], handle: Callable[[R, LoopThread], S]
) -> Callable[Concatenate[Bridged[CoreT], P], S]:
    """Return `method` as one that waits and returns its result's synchronous counterpart."""

    @functools.wraps(method)
    def wait(self: Bridged[CoreT], /, *args: P.args, **kwargs: P.kwargs) -> S:
        return handle(self._loop.run(method(self._core, *args, **kwargs)), self._loop)

    return wait


def blocking_handles(
    method: Callable[Concatenate[CoreT, P], Coroutine[Any, Any, list[R]]], handle: Callable[[R, LoopThread], S]
) -> Callable[Concatenate[Bridged[CoreT], P], list[S]]:
    """Return `method` as one that waits and returns its results' synchronous counterparts."""

    @functools.wraps(method)
    def wait(self: Bridged[CoreT], /, *args: P.args, **kwargs: P.kwargs) -> list[S]:
        return [handle(core, self._loop) for core in self._loop.run(method(self._core, *args, **kwargs))]

    return wait


def blocking_listing(
    method: Callable[Concatenate[CoreT, P], Coroutine[Any, Any, Listing[R]]], handle: Callable[[R, LoopThread], S]
) -> Callable[Concatenate[Bridged[CoreT], P], Listing[S]]:
    """Return `method` as `blocking_handles` does, for a listing of several services."""

    @functools.wraps(method)
    def wait(self: Bridged[CoreT], /, *args: P.args, **kwargs: P.kwargs) -> Listing[S]:
        found = self._loop.run(method(self._core, *args, **kwargs))
        return Listing((handle(core, self._loop) for core in found), found.unreachable, found.total)

    return wait


def documented_as(method: Callable[..., object]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Give a method written by hand the documentation of the asynchronous one."""

    def document(own: Callable[P, R]) -> Callable[P, R]:
        own.__doc__ = method.__doc__
        return own

    return document


def fluent(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, object]],
) -> Callable[Concatenate[SelfT, P], SelfT]:
    """Return `method`, which returns its own object, as one that waits and returns the synchronous object."""

    @functools.wraps(method)
    def wait(self: SelfT, /, *args: P.args, **kwargs: P.kwargs) -> SelfT:
        self._loop.run(method(self._core, *args, **kwargs))
        return self

    return wait


def iterating(
    method: Callable[Concatenate[CoreT, P], AsyncIterator[R]],
) -> Callable[Concatenate[Bridged[CoreT], P], Iterator[R]]:
    """Return an asynchronous generator method as an ordinary generator method."""

    @functools.wraps(method)
    def iterate(self: Bridged[CoreT], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[R]:
        items = method(self._core, *args, **kwargs)
        try:
            while found := self._loop.run(_next(items)):
                yield found[0]
        finally:
            self._loop.run(_close(items))

    return iterate


async def _next(items: AsyncIterator[R]) -> tuple[R] | None:
    """Return the next item in a tuple, or None at the end."""
    async for item in items:
        return (item,)
    return None


async def _close(items: Any) -> None:
    await items.aclose()
