"""The panels of the page Models, a file each: every module here has a `PANEL` and is found by being here."""
