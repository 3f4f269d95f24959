"""Partner feeds: files written for one partner each, from the feed models and nothing else."""
