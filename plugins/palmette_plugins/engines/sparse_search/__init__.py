"""Search among sparse sub-networks of one untrained parent: masks by number, scores without training, statistics."""
