"""Methods that cannot even be imported."""
