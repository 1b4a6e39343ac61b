"""Jobs: their states, their storage, their queue, their events."""
