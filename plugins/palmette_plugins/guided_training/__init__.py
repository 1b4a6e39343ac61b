"""Methods that train a network under another one."""
