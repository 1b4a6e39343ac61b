"""Template mixing: weights as mixtures of templates, and networks grown by mixing them anew."""

from palmette_plugins.engines.template_mixing.coefficients import CoefficientInit
from palmette_plugins.engines.template_mixing.growth import grow
from palmette_plugins.engines.template_mixing.layers import MixedLayer
from palmette_plugins.engines.template_mixing.layout import GrowthPlan, plan_growth
from palmette_plugins.engines.template_mixing.materialise import materialised
from palmette_plugins.engines.template_mixing.members import draw_templates, mixed_member, noisy_copy
from palmette_plugins.engines.template_mixing.mixture import Grid, TemplateMixture
from palmette_plugins.engines.template_mixing.parameter_groups import mixture_parameter_groups

__all__ = [
    "CoefficientInit",
    "Grid",
    "GrowthPlan",
    "MixedLayer",
    "TemplateMixture",
    "draw_templates",
    "grow",
    "materialised",
    "mixed_member",
    "mixture_parameter_groups",
    "noisy_copy",
    "plan_growth",
]
