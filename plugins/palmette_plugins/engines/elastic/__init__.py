"""Elastic networks: spaces, supernets, and the plain networks that are cut from them.

The way of a searching method::

    supernet = supernet_of(job.model("supernet"))       # a Supernet; its `space` has the open questions
    genes = random_genes(supernet.space, 20, generator) # (20, G) integers, see `populations`
    choice = supernet.space.decode(genes[0])            # equal networks are equal choices
    macs = macs_table(supernet.space, channels, classes).of(genes)
    plain = extract(model, choice)                      # a LoadedModel with weights and a spec of its own
    recalibrate(plain.module, CalibrationImages(data, job.seed))
    found = measure(model, choice, data, images)        # the three lines above, and the accuracy
"""

from palmette_plugins.engines.elastic.costs import CostTable, macs_table, parameter_table
from palmette_plugins.engines.elastic.extraction import extract, supernet_of
from palmette_plugins.engines.elastic.measuring import Measured, measure
from palmette_plugins.engines.elastic.populations import canonical, features, gene_sizes, random_genes
from palmette_plugins.engines.elastic.recalibration import CalibrationImages, recalibrate
from palmette_plugins.engines.elastic.space import Choice, Gene, GeneKind, Space
from palmette_plugins.engines.elastic.supernet import Supernet

__all__ = [
    "CalibrationImages",
    "Choice",
    "CostTable",
    "Gene",
    "GeneKind",
    "Measured",
    "Space",
    "Supernet",
    "canonical",
    "extract",
    "features",
    "gene_sizes",
    "macs_table",
    "measure",
    "parameter_table",
    "random_genes",
    "recalibrate",
    "supernet_of",
]
