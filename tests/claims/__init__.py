"""Claims of the methods' papers, measured at small scale on real data; run by ``make claims``."""
