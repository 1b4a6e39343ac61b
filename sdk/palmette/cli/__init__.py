"""The command line: thin commands over `palmette.Client`."""
