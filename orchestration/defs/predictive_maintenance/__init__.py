"""Models of remaining life, and their predictions per asset."""
