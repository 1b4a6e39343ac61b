"""Methods, models and data of Palmette, and the contract that they are written against."""
