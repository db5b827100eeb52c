"""The pure core: no files, no clock, no environment, no printing."""
