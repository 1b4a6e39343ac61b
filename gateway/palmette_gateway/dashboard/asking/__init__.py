"""Questions about models that need no job: what a panel of the page Models is, and how its form is read."""
