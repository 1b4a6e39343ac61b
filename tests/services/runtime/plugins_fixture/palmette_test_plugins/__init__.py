"""Methods that behave well or badly on purpose."""
