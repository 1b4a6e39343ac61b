"""Datasets: one source a file, and the preparation that they share."""
