"""perfgate: a gate on pull requests for time, tokens, cost and size. (PYTEST_DONT_REWRITE: no assert is here to be rewritten.)"""

__version__ = "0.1.0"

#: Read by pytest alone: the package is its own entry point, so that every way of naming the plugin registers it once.
pytest_plugins = ("perfgate.pytest_plugin",)
