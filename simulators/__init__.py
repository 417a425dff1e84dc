"""Simulated instruments that speak the real bytes, and the sample and light path behind them."""
