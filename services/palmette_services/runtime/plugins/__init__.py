"""The plugins that a service hosts, as its process knows them: without importing them."""
