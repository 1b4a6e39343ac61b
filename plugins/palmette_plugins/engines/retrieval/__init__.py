"""Retrieval: what methods of the service retrieval share."""
