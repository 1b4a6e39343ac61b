"""Child processes, forked from one server that has torch loaded."""
