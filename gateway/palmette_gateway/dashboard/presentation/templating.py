"""The template environment: everything escaped, undefined names refused."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from palmette_gateway.dashboard.access.caller import Action
from palmette_gateway.dashboard.drawing.bars import bars, batch_shares
from palmette_gateway.dashboard.drawing.sparkline import sparkline
from palmette_gateway.dashboard.presentation import formatting, links, metrics
from palmette_gateway.dashboard.presentation.assets import static_url
from palmette_gateway.dashboard.presentation.commands import flattened
from palmette_gateway.dashboard.presentation.icons import icon
from palmette_gateway.dashboard.presentation.inputs import ordered_inputs
from palmette_gateway.dashboard.presentation.markdown import markdown
from palmette_gateway.dashboard.presentation.states import look

FOLDER = Path(__file__).parent.parent / "templates"
_FILTERS = (
    formatting.ago,
    formatting.duration,
    formatting.exact,
    formatting.first_line,
    formatting.iso,
    formatting.milliseconds,
    formatting.number,
    formatting.percent,
    formatting.rate,
    formatting.short,
    formatting.size,
)


@cache
def templates() -> Environment:
    """Return the environment of the dashboard's templates."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    environment.filters.update({function.__name__: function for function in _FILTERS})
    environment.filters["markdown"] = markdown
    environment.globals.update(
        Action=Action,
        bars=bars,
        batch_shares=batch_shares,
        elapsed=formatting.elapsed,
        figure=formatting.figure,
        figure_name=formatting.figure_name,
        flattened=flattened,
        headline=metrics.headline,
        icon=icon,
        links=links,
        look=look,
        ordered_inputs=ordered_inputs,
        part_name=formatting.part_name,
        plural=formatting.plural,
        sparkline=sparkline,
        static_url=static_url,
    )
    return environment
