"""OpenTelemetry traces of the control plane; off, and not even imported, unless an endpoint is set."""
