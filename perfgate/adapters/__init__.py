"""Foreign formats, one file each: what other tools wrote, read into measurements."""
