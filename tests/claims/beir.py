"""BEIR: two lexical models, a small sentence encoder and their fusion on three collections of installed texts."""

from __future__ import annotations

from statistics import fmean

from palmette_plugins.retrieval.beir import Beir

from .claim import Claim, Outcome, Verdict, paired_margin
from .lab import CONFIRMING_SEEDS, Lab

POINTS = 100.0  # nDCG in [0, 1] to points
SETS = (
    "wordnet?documents=4000&test_limit=150",
    "python-docs?documents=2000&test_limit=150",
    "debian-packages?documents=4000&test_limit=150",
)
QUICK_SETS = tuple(f"{name}?documents=600&test_limit=10" for name in ("wordnet", "python-docs", "debian-packages"))
SINGLE = ("bm25_flat", "bm25_multifield", "minilm")
FUSED = "rrf(bm25_flat, minilm)"


class BeirClaim(Claim):
    """Nothing is trained; the seeds draw the queries."""

    slug = "beir"
    duration = "about 12 minutes"

    def measure(self, lab: Lab, *, quick: bool) -> Outcome:
        """Compare at the paper's settings; nothing is tuned."""
        seeds = CONFIRMING_SEEDS[:1] if quick else CONFIRMING_SEEDS
        sets = QUICK_SETS if quick else SETS
        runs = [
            lab.confirm(
                "four models",
                Beir,
                seed,
                sets=list(sets),
                encoders="hf:minilm",
                variants=["hybrid"],
                max_tokens=128,
                resample_queries=True,
            )
            for seed in seeds
        ]
        scale = (
            "WordNet senses (4,000, example sentences as queries), sections of the Python manual (2,000, index "
            "entries) and synopses of Debian packages (4,000, package names); 150 test queries each, drawn with "
            "replacement by the seed. BM25 at k1 0.9 and b 0.4, all-MiniLM-L6-v2 with up to 128 tokens, reciprocal "
            "ranks with k = 60."
        )
        return Outcome([fusion(runs), gains(runs, [text.partition("?")[0] for text in sets])], {}, scale)


def fusion(runs: list[dict[str, float]]) -> Verdict:
    """The fused run against the best single model, by the mean over sets."""
    best = max(SINGLE, key=lambda model: fmean(run[f"{model}/nDCG@10"] for run in runs))
    fused, single = ([run[f"{model}/nDCG@10"] for run in runs] for model in (FUSED, best))
    gain, error = paired_margin(fused, single, POINTS)
    statement = "Fusing BM25 and the encoder by reciprocal ranks gains at least 1 point over the best single model."
    return Verdict(statement, gain >= 1, gain - 1, "points of nDCG@10", error, {FUSED: fused, best: single})


def gains(runs: list[dict[str, float]], sets: list[str]) -> Verdict:
    """The encoder's gain over BM25 on each set: better somewhere, worse elsewhere."""
    figures = {
        name: [POINTS * (run[f"minilm/{name}/nDCG@10"] - run[f"bm25_flat/{name}/nDCG@10"]) for run in runs]
        for name in sets
    }
    means = [fmean(values) for values in figures.values()]
    # The margin is how far the weaker of the two sides is from 0.
    margin = min(max(means), -min(means))
    statement = "Neither BM25 nor the encoder wins on every set (gain of the encoder per set, in points)."
    return Verdict(statement, margin > 0, margin, "points of nDCG@10", float("nan"), figures)
