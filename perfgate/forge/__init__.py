"""What the code host says and wants to hear: events, jobs, summaries."""
