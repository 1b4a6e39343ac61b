"""Methods of the service `pruning_growth`: training, pruning and growing networks."""
