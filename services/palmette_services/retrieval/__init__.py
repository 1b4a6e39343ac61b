"""The service for retrieving passages and for measuring how well."""
