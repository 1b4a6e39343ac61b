"""OpenTelemetry traces: off, and not even imported, unless there is something to trace for."""
