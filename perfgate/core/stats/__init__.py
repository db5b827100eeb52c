"""Estimators and tests: numbers in, numbers out; nothing here knows of series, budgets or files."""
