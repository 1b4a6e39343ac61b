"""Client SDK, command line and local launcher of Palmette."""
