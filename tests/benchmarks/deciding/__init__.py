"""The harness of the compare engine: real histories replayed through it, and through the rules of its peers."""
