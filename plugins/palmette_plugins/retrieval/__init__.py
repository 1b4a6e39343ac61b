"""Methods of the service retrieval: evaluating, training and searching."""
