"""BEIR: one fair zero-shot comparison of retrievers over the user's own collections (Kamalloo et al., 2023).

Reference runs that repeat to the last digit, a leaderboard, and a picture of gains and losses against BM25. Nothing is
trained or tuned. A set of several collections (CQADupStack's forums) counts as one, by the plain mean of its members;
the overall figure is the plain mean over sets.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from palmette_plugins.api import (
    ArtifactKind,
    ArtifactRef,
    DatasetRef,
    FieldViolation,
    InvalidArgument,
    JobContext,
    Kind,
    LoadedModel,
    Method,
    MethodConfig,
    ModelRef,
    Paper,
    Run,
    Submission,
    Table,
)
from palmette_plugins.datasets.collections.dataset import CollectionDataset
from palmette_plugins.datasets.collections.published import size_warning
from palmette_plugins.engines.retrieval.bm25 import K1, B
from palmette_plugins.engines.retrieval.comparison import Contestant, Place, Protocol, contest, fuse, places_of
from palmette_plugins.engines.retrieval.cross_encoder import DEPTH
from palmette_plugins.engines.retrieval.fusion import RRF_K
from palmette_plugins.engines.retrieval.leaderboard import Test, leaderboard
from palmette_plugins.engines.retrieval.measures import DEFAULT, check_measures
from palmette_plugins.engines.retrieval.run import read_run
from palmette_plugins.engines.retrieval.significance import paired_t_test, randomisation_test
from palmette_plugins.engines.seeding import derive_seed
from palmette_plugins.retrieval.beir_findings import report_metrics, save_leaderboard, save_runs, show_figures
from palmette_plugins.retrieval.contestants import (
    encoder_contestants,
    hybrids,
    lexical_contestants,
    ready_runs,
    reranker,
)


class Bm25Config(MethodConfig):
    """BM25's two parameters."""

    k1: float = Field(K1, ge=0, description="how soon more of the same term stops to count")
    b: float = Field(B, ge=0, le=1, description="how much long passages are marked down")


class Beir(Method):
    """Compare retrievers on test collections: reference runs, leaderboard, gains over BM25.

    Sets are `beir:<folder>` or installed collections. BM25 over one field and over two stand beside any encoders
    (dense, SPLADE, uniCOIL) and ready run files; dense search is exact. Every run is measured here, on all judged
    queries: one without results counts 0. Of equal scores the passage whose id comes last ranks first.
    """

    kind = Kind.EVALUATE
    paper = Paper(
        "Resources for Brewing BEIR: Reproducible Reference Models and an Official Leaderboard", "Kamalloo et al.", 2023
    )
    inputs: ClassVar[Mapping[str, Any]] = {
        "sets": Annotated[list[DatasetRef], "collections: beir:<folder>, wordnet, python-docs, ..."],
        "encoders": Annotated[list[ModelRef] | None, "text encoders, such as hf:minilm or artifact:<id>"],
        "cross_encoder": Annotated[ModelRef | None, "re-ranks what BM25 finds; a classifier of text pairs, one score"],
        "runs": Annotated[
            list[ArtifactRef] | None, "ready runs: a file <set>.trec for every set in each artifact", ArtifactKind.RUN
        ],
    }
    outputs: ClassVar[Mapping[str, Any]] = {
        "runs": Annotated[list[Run], "one artifact per model: <set>.trec, in TREC's format"],
        "leaderboard": Annotated[Table, "figures per model and set; leaderboard.json and leaderboard.md beside it"],
    }
    tasks = frozenset({"ranking"})

    class Config(MethodConfig):
        """What is compared, and how."""

        split: Literal["train", "validation", "test"] = Field("test", description="whose judgements count")
        models: tuple[Literal["bm25_flat", "bm25_multifield"], ...] = Field(
            ("bm25_flat", "bm25_multifield"), description="lexical reference models beside the given encoders"
        )
        variants: tuple[Literal["segmented", "hybrid", "rerank"], ...] = Field(
            (),
            description="segmented: best window of 10 sentences; hybrid: BM25 and each encoder by reciprocal ranks; "
            "rerank: BM25's first hits by the cross-encoder",
        )
        hits: int = Field(1000, ge=10, le=10_000, description="passages that each query retrieves")
        metrics: tuple[str, ...] = Field(
            DEFAULT, min_length=1, description="measures; nDCG@10, or else the first, orders the board"
        )
        remove_identical_ids: bool = Field(
            True, description="drop the passage whose id is the query's own; false where equal ids mean nothing"
        )
        bm25: Bm25Config = Field(default_factory=Bm25Config, description="parameters of BM25")
        rrf_k: float = Field(RRF_K, gt=0, description="hybrid: what is added to every rank")
        rerank_depth: int = Field(DEPTH, ge=1, le=1000, description="rerank: hits of each query that are scored anew")
        max_tokens: int | None = Field(
            None, ge=2, le=8192, description="tokens read of a text; the encoder's own if empty"
        )
        batch_size: int = Field(128, ge=1, le=4096, description="texts that are encoded at a time")
        significance: Literal["t_test", "randomisation"] = Field(
            "t_test", description="test of differences from the best entry, over queries, Holm-corrected"
        )
        resample_queries: bool = Field(False, description="draw each set's queries with replacement by the job's seed")

        @field_validator("metrics")
        @classmethod
        def _known_metrics(cls, names: tuple[str, ...]) -> tuple[str, ...]:
            check_measures(names)
            return names

    config: Config

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Refuse sets without judgements in the split, models that are no text encoders, and nothing to compare."""
        for index, text in enumerate(submission.spec.inputs["sets"]):
            if not submission.data("sets", index).sizes[self.config.split]:
                yield FieldViolation("inputs.sets", f"'{text}' judges nothing in the split {self.config.split}")
        encoders = submission.spec.inputs.get("encoders", [])
        for index, text in enumerate(encoders):
            if not _takes(submission.model("encoders", index), ("tokens", "mask")):
                yield FieldViolation("inputs.encoders", f"'{text}' is no text encoder")
        if not self.config.models and not encoders and not submission.given("runs"):
            yield FieldViolation("config.models", "nothing to compare: give models, encoders or runs")
        if "hybrid" in self.config.variants and not (self.config.models and encoders):
            yield FieldViolation("config.variants", "hybrid needs a lexical model and an encoder")
        yield from self._rerank_violations(submission)

    def _rerank_violations(self, submission: Submission) -> Iterable[FieldViolation]:
        given = submission.given("cross_encoder")
        if given and not _takes(submission.model("cross_encoder"), ("tokens", "mask", "types")):
            yield FieldViolation("inputs.cross_encoder", "is no cross-encoder: a classifier of text pairs, one score")
        if given and "rerank" not in self.config.variants:
            yield FieldViolation("inputs.cross_encoder", "is for the variant rerank, which is not in config.variants")
        if "rerank" in self.config.variants and not (given and self.config.models):
            yield FieldViolation("config.variants", "rerank needs a lexical model and a cross_encoder")

    def run(self, job: JobContext) -> None:
        """Let every model search every set, measure, compare, save."""
        config = self.config
        sets = [data for data in job.datasets("sets") if isinstance(data, CollectionDataset)]
        _refuse_equal_names([data.name for data in sets])
        self._warn(job, sets)
        contestants = self._contestants(job)
        fused = hybrids(contestants) if "hybrid" in config.variants else []
        reranked = reranker(job, contestants, config) if "rerank" in config.variants else None
        ready = ready_runs(job.artifacts("runs"))
        places = list(places_of(sets))
        with tempfile.TemporaryDirectory(prefix="palmette-runs-") as scratch:
            resample = job.seed if config.resample_queries else None
            protocol = Protocol(
                config.split, config.hits, config.metrics, config.remove_identical_ids, resample, Path(scratch)
            )
            for number, place in enumerate(places):
                report = partial(_progress, job, (number, len(places)), place, contestants)
                runs = contest(place, contestants, protocol, report, job.raise_if_cancelled)
                for entry, names in fused:
                    fuse(place, entry, names, runs, config.rrf_k, protocol)
                if reranked is not None:
                    protocol.take(reranked.entry, place, reranked.run(place, runs))
                for entry, file in ready:
                    protocol.take(entry, place, read_run(file(place), place.collection.queries, "inputs.runs"))
            self._finish(job, sets, places, protocol)
        job.progress(1.0, "done")

    def _warn(self, job: JobContext, sets: Sequence[CollectionDataset]) -> None:
        for data in sets:
            documents = sum(len(member.corpus) for member in data.members)
            warning = size_warning(data.name, documents, data.info.sizes["test"])
            if warning is not None:
                job.logger.warning(warning)

    def _contestants(self, job: JobContext) -> list[Contestant]:
        config, segmented = self.config, "segmented" in self.config.variants
        return [
            *lexical_contestants(config.models, config.bm25.model_dump(), segmented),
            *encoder_contestants(job, job.models("encoders"), config.max_tokens, config.batch_size, segmented),
        ]

    def _finish(
        self, job: JobContext, sets: Sequence[CollectionDataset], places: Sequence[Place], protocol: Protocol
    ) -> None:
        _refuse_equal_names([entry.name for entry in protocol.entries])
        test: Test = paired_t_test
        if self.config.significance == "randomisation":
            test = partial(randomisation_test, seed=derive_seed(job.seed, "randomisation"))
        groups = {data.name: data.group for data in sets}
        board = leaderboard(protocol.entries, groups, test, self.config.metrics)
        show_figures(job, board["official"], protocol)
        for entry in protocol.entries:
            figures = report_metrics(job, entry, board["official"], self.config.metrics)
            save_runs(job, entry, places, protocol, figures)
        save_leaderboard(job, board)


def _takes(model: LoadedModel, names: tuple[str, ...]) -> bool:
    """Tell whether a model's inputs are those."""
    return model.spec.io is not None and tuple(tensor.name for tensor in model.spec.io.inputs) == names


def _refuse_equal_names(names: Sequence[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise InvalidArgument.field(
            "inputs", f"'{twice[0]}' names two sets or two models; give sets names with beir:<folder>?name=..."
        )


def _progress(
    job: JobContext, at: tuple[int, int], place: Place, contestants: Sequence[Contestant], number: int, share: float
) -> None:
    done = (at[0] + (number + share) / len(contestants)) / at[1]
    job.progress(0.98 * done, f"{place.key}: {contestants[number].entry.name}")
