"""Terminal commands that do the same as the page."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from palmette.types import JobInfo
from palmette_gateway.dashboard.presentation.inputs import ordered_inputs

_OWN_OPTION = ("model", "data")


def run_command(
    target: str,
    inputs: Mapping[str, Sequence[str]],
    config: Mapping[str, Any],
    *,
    seed: int | None = None,
    labels: Mapping[str, str] | None = None,
    priority: int = 0,
) -> str:
    """Return the `palmette run` that submits a job, a setting a line."""
    parts = [f"palmette run {shlex.quote(target)}"]
    for name, references in ordered_inputs({name: tuple(texts) for name, texts in inputs.items()}):
        if name in _OWN_OPTION and len(references) == 1:
            parts.append(f"--{name} {shlex.quote(references[0])}")
        else:
            parts += [f"--input {shlex.quote(f'{name}={text}')}" for text in references]
    parts += [f"--set {shlex.quote(f'{name}={_value(value)}')}" for name, value in flattened(config)]
    parts += [f"--label {shlex.quote(f'{name}={value}')}" for name, value in sorted((labels or {}).items())]
    if priority:
        parts.append(f"--priority {priority}")
    if seed is not None:
        parts.append(f"--seed {seed}")
    return " \\\n  ".join(parts)


def job_command(job: JobInfo) -> str:
    """Return the `palmette run` that repeats a job."""
    return run_command(
        f"{job.service}/{job.plugin}", job.inputs, job.config, seed=job.seed, labels=job.labels, priority=job.priority
    )


def models_command(question: str, models: Sequence[str], options: Mapping[str, Any]) -> str:
    """Return the `palmette models` that asks a question; options without a value are left out."""
    words = ["palmette", "models", question, *models]
    words += [word for name, value in options.items() if value not in (None, "") for word in (f"--{name}", f"{value}")]
    return shlex.join(words)


def flattened(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield settings with dots for levels: ``recipe.epochs``, plain ones first: the wire gives them in no order."""
    for name, value in sorted(values.items(), key=lambda item: (isinstance(item[1], Mapping), item[0])):
        if isinstance(value, Mapping) and value:
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _value(value: Any) -> str:
    # Text that YAML would read as something else keeps its quotes.
    if isinstance(value, str) and value.replace("_", "").replace("-", "").isalpha() and value not in _YAML_WORDS:
        return value
    text = json.dumps(value, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else _escape(sign) for sign in text)


def _escape(sign: str) -> str:
    """Write a sign that YAML refuses, such as a control character, so that it reads it."""
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"


_YAML_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
