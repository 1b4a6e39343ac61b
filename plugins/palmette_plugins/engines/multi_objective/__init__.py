"""Multi-objective search over networks that are written as integer genes, whatever they decode to.

A search needs a `GeneSpace`, objectives, and a function that really measures one network; the rest (predictors,
evolutionary algorithms, tactics, archive, analysis) is here.
"""
