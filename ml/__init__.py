"""Predictive maintenance by scikit-learn's manners: features, labels, splits, estimators, evaluation, registry, scoring."""
