"""The service for searching architectures."""
