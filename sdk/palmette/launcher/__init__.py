"""`palmette up`: starts a suite on this machine and keeps it running."""
