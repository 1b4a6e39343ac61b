"""Everything that knows Triton: its local process, its model repository, its API and its figures."""
