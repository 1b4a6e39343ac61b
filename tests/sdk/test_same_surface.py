"""What the synchronous client offers is what the asynchronous one offers, documented with the same words."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import palmette
from palmette import aio

PAIRS = [
    (palmette.Client, aio.Client),
    (palmette.Job, aio.Job),
    (palmette.Deployment, aio.Deployment),
    (palmette.Artifacts, aio.Artifacts),
]
each_pair = pytest.mark.parametrize(("sync", "asynchronous"), PAIRS, ids=[sync.__name__ for sync, _ in PAIRS])


def members(kind: type) -> dict[str, object]:
    return {name: inspect.getattr_static(kind, name) for name in dir(kind) if not name.startswith("_")}


def parameters(method: object) -> list[tuple[str, object, object, str]]:
    """Return (name, kind, default, annotation) of what a caller passes."""
    assert callable(method)
    given = list(inspect.signature(method).parameters.values())[1:]
    # A handle of one client is no handle of the other, though both call it Job.
    return [(each.name, each.kind, each.default, str(each.annotation).replace("aio.", "")) for each in given]


def methods(kind: type) -> dict[str, object]:
    return {name: member for name, member in members(kind).items() if callable(member)}


@each_pair
def test_both_have_the_same_methods(sync: type, asynchronous: type) -> None:
    assert methods(sync).keys() == methods(asynchronous).keys()


@each_pair
def test_methods_take_the_same_parameters(sync: type, asynchronous: type) -> None:
    theirs = methods(asynchronous)

    assert {name: parameters(method) for name, method in methods(sync).items()} == {
        name: parameters(method) for name, method in theirs.items()
    }


@each_pair
def test_everything_is_documented_and_with_the_same_words(sync: type, asynchronous: type) -> None:
    theirs, ours = methods(asynchronous), methods(sync)

    assert all(inspect.getdoc(method) for method in theirs.values())
    assert {name: inspect.getdoc(method) for name, method in ours.items()} == {
        name: inspect.getdoc(method) for name, method in theirs.items()
    }


@pytest.mark.parametrize(("sync", "asynchronous"), PAIRS[1:3], ids=["Job", "Deployment"])
def test_handles_read_the_same(sync: type, asynchronous: type) -> None:
    def properties(kind: type) -> dict[str, str | None]:
        return {name: inspect.getdoc(each) for name, each in members(kind).items() if isinstance(each, property)}

    assert properties(sync) == properties(asynchronous)
    assert all(properties(sync).values())


def test_clients_are_made_alike_and_described_alike() -> None:
    assert parameters(palmette.Client.__init__) == parameters(aio.Client.__init__)
    assert inspect.getdoc(palmette.Client) == inspect.getdoc(aio.Client)
    assert inspect.getdoc(palmette.Artifacts) == inspect.getdoc(aio.Artifacts)


async def test_clients_have_the_same_attributes(tmp_path: Path) -> None:
    def attributes(client: object) -> set[str]:
        return {name for name in dir(client) if not name.startswith("_") and not callable(getattr(client, name))}

    async with aio.Client("127.0.0.1:1", "token", home=tmp_path) as asynchronous:
        there = attributes(asynchronous)
    with palmette.Client("127.0.0.1:1", "token", home=tmp_path) as sync:
        assert attributes(sync) == there == {"artifacts", "endpoint"}
