"""How every part of the suite is, why, since when, and what to do."""
