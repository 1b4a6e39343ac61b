"""Envoy's configuration: made from the settings and the contracts, checked, and put in place."""
