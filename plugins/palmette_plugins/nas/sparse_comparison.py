"""One seed of the comparison: draw the parent, search at every sparsity, train all arms alike."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from palmette_plugins.api import Dataset, JobContext, LoadedModel
from palmette_plugins.engines.measurements import final_measurements
from palmette_plugins.engines.seeding import derive_seed
from palmette_plugins.engines.sparse_search.arms import ArmResult, Arms
from palmette_plugins.engines.sparse_search.candidates import Candidate, Role, stream
from palmette_plugins.engines.sparse_search.parent import draw_parent, sliced, sub_network
from palmette_plugins.engines.sparse_search.registry import load_score
from palmette_plugins.engines.sparse_search.scoring import Scene, make_scene
from palmette_plugins.engines.sparse_search.search import best, scored, worst
from palmette_plugins.engines.sparse_search.spaces import Masks, MaskSpace, NodeSpace, mask_space
from palmette_plugins.nas.sparse_findings import DENSE, EXTERNAL, FOUND, RANDOM, WORST, Trained

if TYPE_CHECKING:
    from palmette_plugins.nas.random_sparse_search import RandomSparseSearch


@dataclass(frozen=True)
class FoundNetwork:
    """The found network of one sparsity, trained: masked, and sliced in node space."""

    masked: LoadedModel
    plain: LoadedModel | None
    final: Mapping[str, float]
    attributes: Mapping[str, Any]


@dataclass
class SparseComparison:
    """Runs the seeds of a job and collects what came out.

    Attributes:
        trained: All trained networks.
        found: The found networks of the first seed.
    """

    job: JobContext
    model: LoadedModel
    data: Dataset
    config: RandomSparseSearch.Config
    external: list[tuple[float, Masks]]
    trained: list[Trained] = field(default_factory=list)
    found: list[FoundNetwork] = field(default_factory=list)
    _rows: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)  # by (mask seed, index)
    _done: int = 0

    def run(self, replicate: int) -> None:
        """Do one seed."""
        seed = derive_seed(self.job.seed, f"replicate/{replicate}")
        parent = draw_parent(self.model, self.config.initialisation, seed)
        scene = make_scene(
            parent.module,
            self.data,
            self.config.recipe,
            examples=self.config.search_batch,
            steps=self.config.short_training_steps,
            seed=seed,
            device=self.job.device,
            check=self.job.raise_if_cancelled,
        )
        dense = parent.replaced(module=copy.deepcopy(parent.module))
        self._train(dense, Trained(DENSE, None, replicate, -1, -1, None, {}, []), "dense")
        for sparsity in self.config.sparsities:
            self._compare(parent, scene, seed, sparsity, replicate)

    def _compare(self, parent: LoadedModel, scene: Scene, seed: int, sparsity: float, replicate: int) -> None:
        """Search at one sparsity, then train what was found and what it is compared with."""
        space = mask_space(self.config.space, parent.module, sparsity)
        where = f"{sparsity:g}/{replicate}"
        score = load_score(self.config.score, self.data.info)
        scores: dict[Role, list[float]] = {}
        for role, count in ((Role.SEARCH, self.config.candidates), (Role.CONTROL, self.config.random_controls)):
            candidates = [Candidate(stream(seed, role, sparsity), index) for index in range(count)]
            phase = f"scores/{role}/{where}"
            scores[role] = scored(self.job, phase, candidates, space, scene, score, self._scoring)
            for candidate, value in zip(candidates, scores[role], strict=True):
                self._rows[candidate.seed, candidate.index] = {
                    "sparsity": sparsity,
                    "seed": replicate,
                    "role": role.value,
                    "mask_seed": str(candidate.seed),  # 63 bits: more than every reader of JSON keeps
                    "index": candidate.index,
                    "score": value,
                    "kept": space.kept,
                    "final": None,
                }
        chosen = best(scores[Role.SEARCH], higher_is_better=score.higher_is_better)
        arms = [(FOUND, Role.SEARCH, chosen)]
        arms += [(RANDOM, Role.CONTROL, index) for index in range(self.config.random_controls)]
        if self.config.train_worst:
            arms.append((WORST, Role.SEARCH, worst(scores[Role.SEARCH], higher_is_better=score.higher_is_better)))
        for arm, role, index in arms:
            candidate = Candidate(stream(seed, role, sparsity), index)
            entry = Trained(arm, sparsity, replicate, index, candidate.seed, scores[role][index], {}, [])
            self._candidate(parent, space, candidate, entry)
        for number, (at, masks) in enumerate(self.external):
            if at == sparsity:
                entry = Trained(EXTERNAL, sparsity, replicate, -1, -1, None, {}, [])
                self._train(sub_network(parent, masks), entry, f"external-{number}")

    def _candidate(self, parent: LoadedModel, space: MaskSpace, candidate: Candidate, entry: Trained) -> None:
        network = sub_network(parent, candidate.masks(space))
        keep = entry.arm == FOUND and entry.replicate == 0
        result = self._train(network, entry, f"{entry.arm}-{candidate.index}", keep=keep)
        self._rows[candidate.seed, candidate.index]["final"] = result.final[self.data.task.primary_metric]
        if keep and result.weights is not None:
            network.module.load_state_dict(result.weights)
            self.found.append(self._found(parent, space, candidate, network, entry, result))

    def _found(
        self,
        parent: LoadedModel,
        space: MaskSpace,
        candidate: Candidate,
        network: LoadedModel,
        entry: Trained,
        result: ArmResult,
    ) -> FoundNetwork:
        plain = None
        if isinstance(space, NodeSpace):
            plain = sliced(parent, network, space.draw_nodes(candidate.generator()))
        attributes = {
            "sparsity": entry.sparsity,
            "mask_seed": str(candidate.seed),
            "mask_index": candidate.index,
            "score": entry.score,
        }
        return FoundNetwork(network, plain, result.final, attributes)

    def _train(self, network: LoadedModel, entry: Trained, name: str, *, keep: bool = False) -> ArmResult:
        where = "" if entry.sparsity is None else f"{entry.sparsity:g}/"
        share = 0.97 / self._runs
        span = (self._done * share, (self._done + 1) * share)
        arms = Arms(self.job, self.data, self.config.recipe)
        phase = f"{name}/{where}{entry.replicate}"
        result = arms.train(phase, network, replicate=entry.replicate, progress=span, keep=keep)
        self._done += 1
        self.trained.append(replace(entry, final=result.final, history=result.history))
        return result

    def _scoring(self, share: float) -> None:
        self.job.progress(self._done * 0.97 / self._runs, f"scoring candidates, {100 * share:.0f} %")

    @property
    def _runs(self) -> int:
        """Training runs of the whole job."""
        per_sparsity = 1 + self.config.random_controls + self.config.train_worst
        return self.config.seeds * (1 + len(self.config.sparsities) * per_sparsity + len(self.external))

    def candidate_rows(self) -> list[dict[str, Any]]:
        """Return the table of every candidate."""
        return list(self._rows.values())

    def measured(self, network: LoadedModel, final: Mapping[str, float]) -> dict[str, float]:
        """Return the final measurements of a network with what it costs."""
        return {**final, **final_measurements(self.job, network, self.data)}
