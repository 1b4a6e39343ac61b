"""The report: one JSON file per method, and one page with all verdicts."""

from __future__ import annotations

import json
import math
import os
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from palmette_plugins.api.provenance import environment

from .claim import Claim, Outcome
from .lab import Lab

HEADER = """# Claims, measured

What each method's paper says, tried at small scale on real data with `make claims`. Settings were tuned on the
validation split, and what was chosen was confirmed once on the test split with seeds that nothing was tuned on.
Every run, with its settings and seeds, is in the JSON file beside this page.
"""


def write_claim(folder: Path, claim: Claim, outcome: Outcome, lab: Lab, seconds: float) -> Path:
    """Write ``<slug>.json`` and return its path."""
    content = {
        "slug": claim.slug,
        "date": datetime.now(UTC).date().isoformat(),
        "duration_s": round(seconds),
        "machine": _machine(),
        "scale": outcome.scale,
        "chosen": dict(outcome.chosen),
        "verdicts": [asdict(verdict) for verdict in outcome.verdicts],
        "prepared": [asdict(model) for model in lab.prepared],
        "runs": [asdict(run) for run in lab.runs],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{claim.slug}.json"
    path.write_text(json.dumps(_finite(content), indent=2, ensure_ascii=False) + "\n")
    return path


def write_page(folder: Path) -> Path:
    """Write ``README.md`` from all JSON files of the folder and return its path."""
    sections = [_section(json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]
    page = folder / "README.md"
    page.write_text("\n".join([HEADER, *sections]))
    return page


def _section(found: dict[str, Any]) -> str:
    seeds = sorted({run["seed"] for run in found["runs"] if run["stage"] == "confirming"})
    rows = ["| claim | margin | | holds |", "| --- | ---: | --- | --- |"]
    for verdict in found["verdicts"]:
        error = verdict["standard_error"]
        spread = f" ± {error:.2f}" if error is not None else ""
        margin = f"{verdict['margin']:+.2f}{spread} {verdict['unit']}"
        figures = "; ".join(
            f"{arm} {', '.join(f'{value:.4g}' for value in values)}" for arm, values in verdict["figures"].items()
        )
        rows.append(f"| {verdict['statement']} | {margin} | {figures} | {'yes' if verdict['holds'] else 'no'} |")
    chosen = ", ".join(f"{name} {value}" for name, value in found["chosen"].items()) or "nothing"
    machine = found["machine"]
    how = (
        f"{found['scale']} Confirmed with seeds {', '.join(map(str, seeds))}; tuned: {chosen}; "
        f"{len(found['runs'])} runs. "
        f"{machine['processor']}, {machine['cores']} cores, torch {machine['versions']['torch']}, {found['date']}. "
        f"[All runs]({found['slug']}.json)."
    )
    return "\n".join([f"## {found['slug']}", "", *rows, "", how, ""])


def _machine() -> dict[str, Any]:
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    cpu = str(getattr(torch.cpu, "get_capabilities", dict)().get("cpu_name", "")) or platform.machine()
    return {"processor": gpu or cpu, "cores": len(os.sched_getaffinity(0)), "versions": environment()}


def _finite(value: Any) -> Any:
    """Return `value` with NaN and infinities as null, which JSON has no numbers for."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
