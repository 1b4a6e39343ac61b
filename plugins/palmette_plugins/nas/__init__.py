"""Methods of the service ``nas``: architectures searched."""
