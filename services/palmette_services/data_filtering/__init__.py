"""The service for choosing what networks are trained on."""
