"""The official schedule, and the spaces of a configuration."""

from __future__ import annotations

import pytest

from palmette_plugins.api.resolve import describe_dataset
from palmette_plugins.architectures.loading import inspect_model_reference
from palmette_plugins.architectures.mobile.frame import MBV3, SMALL
from palmette_plugins.engines.elastic import Space, Supernet
from palmette_plugins.nas.spaces import SpaceConfig
from palmette_plugins.nas.stages import papers_stages, stage_spaces, stage_violations


def paper_space() -> Space:
    return Space(MBV3, (2, 3, 4), (3, 4, 6), (3, 5, 7), (224,))


def test_the_papers_six_stages() -> None:
    stages = papers_stages(paper_space())
    table = [(s.epochs, s.warmup_epochs, s.lr, s.subnetworks) for s in stages]
    assert table == [
        (180, 0, 2.6, 1),
        (120, 5, 0.96, 1),
        (25, 5, 0.08, 2),
        (120, 5, 0.24, 2),
        (25, 5, 0.08, 4),
        (120, 5, 0.24, 4),
    ]
    assert stage_violations(paper_space(), stages) == []


def test_every_earlier_choice_stays_in_the_sampling_set() -> None:
    spaces = stage_spaces(paper_space(), papers_stages(paper_space()))
    opened = [(space.kernels, space.depths, space.expands) for space in spaces]
    assert opened == [
        ((7,), (4,), (6,)),
        ((3, 5, 7), (4,), (6,)),
        ((3, 5, 7), (3, 4), (6,)),
        ((3, 5, 7), (2, 3, 4), (6,)),
        ((3, 5, 7), (2, 3, 4), (4, 6)),
        ((3, 5, 7), (2, 3, 4), (3, 4, 6)),
    ]


@pytest.mark.parametrize(
    ("values", "frame", "resolutions"),
    [({}, SMALL, (8,)), ({"name": "mbv3", "resolutions": (128, 160)}, MBV3, (128, 160))],
)
def test_a_configuration_names_a_space(values: dict[str, object], frame: object, resolutions: tuple[int, ...]) -> None:
    data = describe_dataset("digits", "data")
    reference = SpaceConfig.model_validate(values).reference(data, 0.1)
    module = inspect_model_reference(str(reference), "space", data, None).module
    assert isinstance(module, Supernet)
    assert module.space == Space(frame, (2, 3, 4), (3, 4, 6), (3, 5, 7), resolutions)  # type: ignore[arg-type]
    assert (module.in_channels, module.num_classes) == (1, 10)
