"""The gRPC side of a service: interceptors, errors, health."""
