"""Bench files that come with labcool; ``labcool init`` copies them."""
