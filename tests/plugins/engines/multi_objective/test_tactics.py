"""Tactics on a simulated space: exact budgets, no network twice, and better fronts than random ones."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from palmette_plugins.api import InvalidArgument, JobCancelled
from palmette_plugins.engines.multi_objective.algorithms import ALGORITHMS, EvolutionaryAlgorithm
from palmette_plugins.engines.multi_objective.archive import Archive, Entry
from palmette_plugins.engines.multi_objective.objectives import Limit
from palmette_plugins.engines.multi_objective.plan import Plan
from palmette_plugins.engines.multi_objective.predictors import Predictor
from palmette_plugins.engines.multi_objective.tactics import (
    concurrent_search,
    evolutionary_search,
    first_population,
    random_search,
)
from palmette_plugins.nas.search_results import SearchResults

from .simulated import ACCURACY, MACS, PARAMS, SPACE, Counting, evaluator_of, make_plan, measure

pytestmark = pytest.mark.usefixtures("few_hyper_parameters")  # these tests are about tactics


@pytest.fixture
def search(make_job: Any) -> Any:
    def run(tactic: str, budget: int, plan: Plan | None = None, name: str = "job", **options: Any) -> Any:
        plan = plan or make_plan()
        job, _ = make_job(f"{name}-{tactic}-{budget}-{plan.seed}-{plan.algorithm}")
        evaluator, counting = evaluator_of(job, budget)
        if tactic == "random":
            random_search(plan, evaluator)
        elif tactic == "concurrent":
            concurrent_search(plan, evaluator, options.get("report", lambda *_: None), lambda: None)
        else:
            start = first_population(plan, options.get("earlier"), plan.objectives)
            evolutionary_search(plan, evaluator, start, logging.getLogger("test"))
        return evaluator.archive, counting

    return run


def volume(archive: Archive, plan: Plan | None = None) -> float:
    plan = plan or make_plan()
    return SearchResults(archive, plan.objectives, plan.limits).curve[-1]


@pytest.mark.parametrize("tactic", ["random", "concurrent", "evolutionary"])
@pytest.mark.parametrize("budget", [30, 37, 44])
def test_exactly_n_networks_are_measured_all_different(search: Any, tactic: str, budget: int) -> None:
    archive, counting = search(tactic, budget)

    assert len(archive) == len(counting.asked) == budget
    assert len(set(counting.asked)) == budget
    assert [entry.round for entry in archive.entries] == sorted(entry.round for entry in archive.entries)


def test_concurrent_with_one_population_is_random_search(search: Any) -> None:
    (random, _), (concurrent, _) = search("random", 10), search("concurrent", 10)

    assert random.entries == concurrent.entries


def test_all_tactics_start_with_the_same_random_networks(search: Any) -> None:
    archives = [search(tactic, 20)[0] for tactic in ("random", "concurrent", "evolutionary")]

    assert all(archive.keys[:10] == archives[0].keys[:10] for archive in archives)


def test_one_seed_gives_one_search_and_two_seeds_two(search: Any) -> None:
    first, again = (search("concurrent", 30, name=name)[0] for name in ("a", "b"))
    other = search("concurrent", 30, make_plan(seed=1))[0]

    assert first.entries == again.entries
    assert first.keys != other.keys


@pytest.mark.parametrize("seed", range(2))
def test_predictions_find_better_fronts_than_evolution_and_random(search: Any, seed: int) -> None:
    plan = make_plan(seed=seed, population=20, inner_evaluations=1000)
    found = {
        (tactic, budget): volume(search(tactic, budget, plan)[0])
        for tactic, budget in (("concurrent", 100), ("evolutionary", 100), ("random", 100), ("random", 300))
    }

    assert found["concurrent", 100] > found["random", 300]
    assert found["concurrent", 100] > found["evolutionary", 100]
    assert found["random", 300] >= found["random", 100]


def test_predictions_are_compared_with_the_next_round_s_measurements(search: Any) -> None:
    told: list[Any] = []
    archive, _ = search("concurrent", 30, report=lambda *arguments: told.append(arguments))

    assert [(number, name) for number, name, *_ in told] == [(r, n) for r in (1, 2) for n in ("accuracy", "macs")]
    number, name, _, predicted, measured = told[2]
    of_round = [entry.measurements[name] for entry in archive.entries if entry.round == number]
    assert measured.tolist() == of_round
    assert len(predicted) == len(of_round)
    assert not np.array_equal(predicted, measured)


def test_a_generation_is_predicted_in_one_call(search: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    original = Predictor.predict
    monkeypatch.setattr(Predictor, "predict", lambda self, genes: sizes.append(len(genes)) or original(self, genes))

    search("concurrent", 20)

    generations = 400 // 10
    assert len([size for size in sizes if size > 1]) <= 2 * (2 * generations + 30)
    assert 1 not in sizes


@pytest.mark.parametrize(
    ("count", "algorithm"), [(count, name) for count, names in ALGORITHMS.items() for name in names]
)
def test_every_algorithm_searches_with_and_without_predictions(
    search: Any, count: int, algorithm: EvolutionaryAlgorithm
) -> None:
    plan = make_plan(objectives=(ACCURACY, MACS, PARAMS)[:count], algorithm=algorithm, inner_evaluations=100)

    for tactic in ("evolutionary", "concurrent"):
        archive, _ = search(tactic, 20, plan)
        again, _ = search(tactic, 20, plan, name="again")
        assert len(archive) == 20
        assert archive.keys == again.keys


@pytest.mark.parametrize("tactic", ["concurrent", "evolutionary"])
def test_limits_steer_the_search_and_the_front_meets_them(search: Any, tactic: str) -> None:
    plan = make_plan(limits=(Limit("macs", upper=3800.0),), inner_evaluations=1000)
    archive, _ = search(tactic, 60, plan)
    results = SearchResults(archive, plan.objectives, plan.limits)
    meeting = [row["macs"] <= 3800 for row in archive.rows]

    assert all(archive.rows[index]["macs"] <= 3800 for index in results.front)
    assert sum(meeting[30:]) > sum(meeting[:30])


def test_a_limit_that_no_sampled_network_meets_is_refused_with_the_range_seen(search: Any) -> None:
    for tactic in ("random", "concurrent", "evolutionary"):
        with pytest.raises(InvalidArgument, match=r"macs from [\d.]+ to [\d.]+ was seen") as caught:
            search(tactic, 20, make_plan(limits=(Limit("macs", upper=1.0),)))
        assert caught.value.violations[0].field == "config.constraints.macs"


def test_a_warm_start_begins_with_the_best_of_an_earlier_search(search: Any) -> None:
    earlier, _ = search("random", 100)
    best = {earlier.keys[index] for index in SearchResults(earlier, (ACCURACY, MACS), ()).front}

    warm, _ = search("evolutionary", 10, make_plan(seed=5), earlier=earlier)

    assert set(warm.keys) & best
    assert set(warm.keys) <= set(earlier.keys)


def test_a_small_earlier_search_is_filled_up_with_random_networks() -> None:
    genes = SPACE.draw(3, np.random.default_rng(9))
    earlier = Archive(SPACE, [Entry(key, measure(key), 0) for key in SPACE.keys(genes)])

    start = first_population(make_plan(), earlier, (ACCURACY, MACS))

    assert len(start) == len(set(SPACE.keys(start))) == 10
    assert set(earlier.keys) <= set(SPACE.keys(start))


class _Failing(Counting):
    """Stops in the middle of a search, as a crash does."""

    def __call__(self, key: tuple[int, ...]) -> dict[str, float]:
        if len(self.asked) == 17:
            raise JobCancelled("stopped by the test")
        return super().__call__(key)


@pytest.mark.parametrize("tactic", ["random", "concurrent", "evolutionary"])
def test_a_resumed_search_measures_nothing_twice_and_ends_the_same(
    make_job: Any, search: Any, monkeypatch: pytest.MonkeyPatch, tactic: str
) -> None:
    monkeypatch.setattr("palmette_plugins.engines.multi_objective.evaluator._SAVE_S", -1.0)
    undisturbed, _ = search(tactic, 30)
    plan = make_plan()

    def attempt(measuring: Counting) -> Archive:
        from palmette_plugins.engines.multi_objective.evaluator import Evaluator

        evaluator = Evaluator(make_job("resumed")[0], SPACE, measuring, 30)
        if tactic == "random":
            random_search(plan, evaluator)
        elif tactic == "concurrent":
            concurrent_search(plan, evaluator, lambda *_: None, lambda: None)
        else:
            start = first_population(plan, None, ())
            evolutionary_search(plan, evaluator, start, logging.getLogger("test"))
        return evaluator.archive

    first, second = _Failing(), Counting()
    with pytest.raises(JobCancelled):
        attempt(first)
    resumed = attempt(second)

    assert len(first.asked) + len(second.asked) == 30
    assert set(first.asked).isdisjoint(second.asked)
    assert resumed.entries == undisturbed.entries
