"""Experiments, each a PyMeasure procedure on roles."""
