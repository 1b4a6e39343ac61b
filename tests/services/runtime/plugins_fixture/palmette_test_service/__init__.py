"""A service named `testing` whose methods behave well or badly on purpose."""
