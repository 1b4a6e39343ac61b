"""Sparsity: which weights may be masked, how many each layer keeps, where they lie, and training that keeps them so."""
