"""Our own files in and out: runs, decisions, budgets; strict JSON and YAML."""
