"""perfgate: a gate on pull requests for time, tokens, cost and size."""

__version__ = "0.1.0"
