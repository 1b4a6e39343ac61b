"""What a comparison says of settings that differ."""

from __future__ import annotations

from palmette_gateway.dashboard.presentation.comparison import setting_rows


def test_settings_are_written_as_on_every_other_page_and_equal_ones_left_out() -> None:
    rows = setting_rows(
        [
            {"lr": 0.1, "recipe": {"nesterov": True, "milestones": [], "epochs": 3}, "ratio": None},
            {"lr": 0.1, "recipe": {"nesterov": False, "milestones": [10, 20], "epochs": 3}},
        ]
    )

    assert {row.name: row.texts for row in rows} == {
        "recipe.nesterov": ("yes", "no"),
        "recipe.milestones": ("none", "10, 20"),
        "ratio": ("none", "-"),
    }
