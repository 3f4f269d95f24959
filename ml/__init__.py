"""Predictive maintenance by scikit-learn's manners: features to scoring; see README.md."""
