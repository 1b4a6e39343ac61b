"""Measure claims: ``python -m tests.claims [--quick] [slug ...]``, from the repository's root."""

from __future__ import annotations

import argparse
import importlib
import tempfile
import time
from pathlib import Path

from .claim import Claim
from .lab import Lab
from .report import write_claim, write_page

FOLDER = Path(__file__).parents[2] / "docs" / "claims"
_MACHINERY = {"__init__", "__main__", "claim", "lab", "report"}


def all_claims() -> dict[str, Claim]:
    """Return the claims by slug: one class of each module of this folder."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in _MACHINERY)
    modules = [importlib.import_module(f"{__package__}.{name}") for name in names]
    kinds = [
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Claim) and kind.__module__ == module.__name__
    ]
    return {kind.slug: kind() for kind in kinds}


def main() -> None:
    """Measure what was asked for; a quick run writes into a throw-away folder."""
    claims = all_claims()
    parser = argparse.ArgumentParser(prog="python -m tests.claims", description=__doc__)
    parser.add_argument("slug", nargs="*", help=f"methods; all when left out: {', '.join(claims)}")
    parser.add_argument("--quick", action="store_true", help="only show that the experiments run; decides nothing")
    parser.add_argument("--cpu", type=float, default=0.0, help="cores to use; 0 for all")
    parser.add_argument("--output", type=Path, default=FOLDER, help="where the report goes")
    options = parser.parse_args()
    unknown = [slug for slug in options.slug if slug not in claims]
    if unknown:
        parser.error(f"no claims of {', '.join(unknown)}; known: {', '.join(claims)}")
    with tempfile.TemporaryDirectory(prefix="palmette-claims-") as scratch:
        folder = Path(scratch) if options.quick else options.output
        for slug in options.slug or claims:
            measure(claims[slug], folder, options)
        print(write_page(folder).read_text())


def measure(claim: Claim, folder: Path, options: argparse.Namespace) -> None:
    """Measure one method's claims and write its file."""
    print(f"{claim.slug}: {'a quick look' if options.quick else claim.duration + ' on two idle cores'}", flush=True)
    lab = Lab(cpu=options.cpu, report=lambda line: print(f"  {line}", flush=True))
    started_s = time.monotonic()
    outcome = claim.measure(lab, quick=options.quick)
    write_claim(folder, claim, outcome, lab, time.monotonic() - started_s)


if __name__ == "__main__":
    main()
