"""The demo from beginning to end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console

from palmette.client import Client
from palmette.demo.candidates import DENSE, MODEL, Candidate, Sizes, candidates
from palmette.demo.held_out import held_out
from palmette.demo.plain_client import measure
from palmette.demo.results import Served, Trained, best_reduced, comparison_table
from palmette.demo.running_suite import ensure_running
from palmette.errors import PalmetteError
from palmette.home import Home
from palmette.job import Job
from palmette.progress import ProgressBars
from palmette.types import Role


class ServedDiffers(PalmetteError):  # noqa: N818 - named for what happened
    """A served model answers otherwise than PyTorch did."""


class Story:
    """Runs the main job on the suite of `home` and prints what comes of it."""

    def __init__(self, sizes: Sizes, home: Path | None, console: Console) -> None:
        self._sizes = sizes
        self._home = Home.find(home)
        self._console = console

    def tell(self) -> None:
        """Run everything.

        Raises:
            ServedDiffers: A served accuracy is not the one that PyTorch measured.
            PalmetteError: Something failed; the message says what and what to do.
        """
        started_s = time.monotonic()
        ensure_running(self._home, self._console)
        with Client(home=self._home.root) as client, ThreadPoolExecutor(1) as aside:
            reading = aside.submit(held_out, self._sizes.data)
            self._console.print(f"dashboard [bold]{client.endpoint.url}[/] (log in with {self._home.token})\n")
            trained = self._train(client, candidates(self._sizes))
            self._deploy(client, trained)
            images, classes = reading.result()
            token = client.issue_token("demo", Role.VIEWER, days=1).token
            served = {
                each.candidate.name: measure(
                    client.endpoint.address, token, each.candidate.name, images, classes, self._sizes.latency_requests
                )
                for each in trained
            }
            self._console.print(comparison_table(trained, served))
            self._compare(trained, served)
            self._farewell(client.endpoint.url, time.monotonic() - started_s)

    def _train(self, client: Client, chosen: Sequence[Candidate]) -> list[Trained]:
        """Submit all jobs at once and follow them together."""
        sizes = self._sizes
        epochs = "1 epoch" if sizes.epochs == 1 else f"{sizes.epochs} epochs"
        what = f"{sizes.images:,} images of fashion-mnist, {epochs} each; {sizes.held_out:,} held out"
        self._console.print(f"{MODEL} on {what}")
        first = sorted(chosen, key=lambda each: each.longest, reverse=True)
        submitted = {each.name: self._submit(client, each) for each in first}
        jobs = [submitted[each.name] for each in chosen]
        bars = ProgressBars(self._console)
        for job, each in zip(jobs, chosen, strict=True):
            bars.add(job.info, each.title)
        client.wait(jobs, progress=bars)
        return [
            Trained.of(each, job, client.artifacts.get(job.outputs["model"]))
            for job, each in zip(jobs, chosen, strict=True)
        ]

    def _submit(self, client: Client, candidate: Candidate) -> Job:
        return client.submit(
            candidate.plugin,
            model=MODEL,
            data=self._sizes.data,
            seed=self._sizes.seed,
            labels={"demo": candidate.name},
            config=candidate.config,
        )

    def _deploy(self, client: Client, trained: Sequence[Trained]) -> None:
        started_s = time.monotonic()
        with self._console.status("exporting to ONNX, comparing with PyTorch, loading into Triton"):
            deployments = [client.deploy(each.candidate.name, each.artifact, wait=False) for each in trained]
            for deployment in deployments:
                deployment.wait()
        took_s = time.monotonic() - started_s
        self._console.print(f"\ndeployed {len(trained)} models to Triton in {took_s:.0f} s\n")

    def _compare(self, trained: Sequence[Trained], served: dict[str, Served]) -> None:
        """Print what clients get, and hold it against what PyTorch measured."""
        best = best_reduced(trained)
        self._console.print("\nserved through the gateway to a plain tritonclient:")
        for each in trained:
            name, got = each.candidate.name, served[each.candidate.name]
            if name in (DENSE, best.candidate.name):
                note = "" if name == DENSE else "  (the best reduced model)"
                self._console.print(
                    f"  {name:<16} {got.accuracy:.2%} of {got.images:,} held-out images (PyTorch {each.accuracy:.2%}), "
                    f"p50 {got.p50_ms:.2f} ms, p99 {got.p99_ms:.2f} ms{note}"
                )
        for each in trained:
            got = served[each.candidate.name]
            if round(got.accuracy * got.images) != round(each.accuracy * got.images):
                raise ServedDiffers(
                    f"'{each.candidate.name}' serves an accuracy of {got.accuracy:.4%}, PyTorch measured "
                    f"{each.accuracy:.4%}: the served model is not the trained one"
                )
        self._console.print("[green]every served accuracy equals PyTorch's[/]")

    def _farewell(self, url: str, took_s: float) -> None:
        command = Path(sys.executable).with_name("palmette")
        shown = os.path.relpath(command) if command.is_relative_to(Path.cwd()) else command
        self._console.print(
            f"\ndone in {took_s:.0f} s. The suite goes on running:\n"
            f"  dashboard  [bold]{url}[/]\n"
            f"  jobs       {shown} jobs list\n"
            f"  stop it    {shown} down"
        )
