"""Addresses of pages by the resource names that they show."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from palmette.types import ComponentKind


def job(name: str) -> str:
    """Return the page of ``services/{service}/jobs/{id}``."""
    _, service, _, identifier = name.split("/", 3)
    return f"/jobs/{quote(service, safe='')}/{quote(identifier, safe='')}"


def plugin(service: str, name: str, **inputs: str) -> str:
    """Return the page of a plugin, with inputs of its form filled in."""
    query = "?" + urlencode({f"inputs.{key}": value for key, value in inputs.items()}) if inputs else ""
    return f"/plugins/{quote(service, safe='')}/{quote(name, safe='')}{query}"


def artifact(name: str) -> str:
    """Return the page of ``artifacts/{id}``, of ``artifact:{id}`` or of an id."""
    identifier = name.removeprefix("artifacts/").removeprefix("artifact:")
    return f"/artifacts/{quote(identifier, safe='')}"


def deployment(name: str) -> str:
    """Return the page of ``deployments/{id}``."""
    return f"/deployments/{quote(name.removeprefix('deployments/'), safe='')}"


def jobs(**filters: str) -> str:
    """Return the list of jobs with filters set."""
    return "/jobs" + ("?" + urlencode(filters) if filters else "")


def part(kind: ComponentKind, name: str) -> str:
    """Return the page that says more about a part of the suite, or the empty string where there is none."""
    pieces = name.split("/")
    match kind, pieces:
        case ComponentKind.WORKER, [_, service, identifier]:
            return job(f"services/{service}/jobs/{identifier}")
        case ComponentKind.MODEL, [_, _, identifier]:
            return deployment(identifier)
        case ComponentKind.SERVICE, [_, service]:
            return jobs(service=service)
        case _:
            return ""
