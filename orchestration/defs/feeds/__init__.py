"""What partners get: one published feed for each feed model."""
