"""Where baselines live, and what git says of the change under test."""
