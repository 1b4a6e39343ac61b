"""The artifact registry: an index of the store, transfers, lineage, deletion."""
