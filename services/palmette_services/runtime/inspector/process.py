"""The inspector's process: answers one question after the other until its service is gone."""

from __future__ import annotations

import logging
import os
import signal
import socket
from typing import Any

import orjson

from palmette_plugins.api.errors import FailedPrecondition, PalmetteError
from palmette_services.runtime.inspector.wire import encode, encode_error


def serve(connection: socket.socket) -> None:
    """Say hello, then answer the questions that come over `connection`, until it is closed (the service ended)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which then closes the connection
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # looks, never computes: must not take memory of a GPU
    logging.basicConfig(level=logging.WARNING)
    with connection, connection.makefile("rb") as questions:
        connection.sendall(encode({"hello": os.getpid()}))
        for line in questions:
            connection.sendall(encode(answer(orjson.loads(line))))


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to one question, an error included."""
    try:
        return {"answer": _ask(question)}
    except PalmetteError as error:
        return encode_error(error)
    except Exception as error:
        logging.getLogger(__name__).exception("%s failed", question["kind"])
        return encode_error(FailedPrecondition(f"{question['subject']} failed: {type(error).__name__}: {error}"))


def _ask(question: dict[str, Any]) -> Any:
    from palmette_plugins.api.job_spec import JobSpec
    from palmette_plugins.api.operations import call_operation
    from palmette_plugins.api.submission import check_submission

    if question["kind"] == "check":
        return check_submission(JobSpec(**question["spec"]))
    return call_operation(question["service"], question["operation"], question["request"])
