"""Every method that can be called through the gateway: its contract joined with its rule."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from google.protobuf import descriptor_pb2

from palmette_gateway.access.rules import INTERNAL, RULES, Rule
from palmette_gateway.contracts import REFLECTION, REFLECTION_ALPHA, public_descriptors, services


@dataclass(frozen=True)
class Method:
    """One method of one service.

    Attributes:
        service: Full name, such as ``palmette.v1.JobService``.
        name: Name, such as ``SubmitJob``.
        client_streaming: The client sends any number of messages.
        server_streaming: The server sends any number of messages.
        rule: Who may call it and what may be repeated.
    """

    service: str
    name: str
    client_streaming: bool
    server_streaming: bool
    rule: Rule

    @property
    def path(self) -> str:
        """Path of the HTTP/2 request, ``/service/method``."""
        return f"/{self.service}/{self.name}"

    @property
    def streaming(self) -> bool:
        """Whether either side sends a stream."""
        return self.client_streaming or self.server_streaming


class RulesMismatchError(Exception):
    """The table of rules and the contracts differ; the message names the methods."""


@cache
def methods() -> tuple[Method, ...]:
    """All methods, in the order of the table.

    Raises:
        RulesMismatchError: A method of the contracts has no rule, or a rule has no method.
    """
    contracts = dict(services(public_descriptors()))
    contracts[REFLECTION] = contracts[REFLECTION_ALPHA]  # the same messages under the final name
    known = {(service, method.name): method for service in contracts for method in contracts[service].method}
    ruled = {(service, name) for service, rules in RULES.items() for name in rules}
    if known.keys() != ruled:
        raise RulesMismatchError(_describe(known.keys() - ruled, ruled - known.keys()))
    return tuple(
        _method(service, known[service, name], rule) for service, rules in RULES.items() for name, rule in rules.items()
    )


def _method(service: str, contract: descriptor_pb2.MethodDescriptorProto, rule: Rule) -> Method:
    return Method(service, contract.name, contract.client_streaming, contract.server_streaming, rule)


def _describe(without_rule: set[tuple[str, str]], without_method: set[tuple[str, str]]) -> str:
    parts = [
        f"{title}: {', '.join(sorted(map('/'.join, names)))}"
        for title, names in (
            ("without a rule in palmette_gateway/access/rules.py", without_rule),
            ("with a rule but in no contract", without_method),
        )
        if names
    ]
    return "; ".join(parts)


@cache
def rules_by_path() -> dict[str, Rule]:
    """Rules by ``/service/method``."""
    return {method.path: method.rule for method in methods()}


def is_internal(service: str) -> bool:
    """Whether the gateway must never expose this service."""
    return service in INTERNAL
