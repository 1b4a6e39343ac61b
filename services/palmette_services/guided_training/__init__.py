"""The service for training networks under other ones."""
