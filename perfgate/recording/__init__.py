"""What the pytest plugin does once it is on: gathers in every process that runs tests, and writes one file. Loaded by nothing else."""
