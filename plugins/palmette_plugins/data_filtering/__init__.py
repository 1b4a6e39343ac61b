"""Methods that choose what a network is trained on."""
