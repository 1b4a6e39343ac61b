"""The service for pruning and growing networks."""
