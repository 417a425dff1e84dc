"""Runs optical-cooling experiments: instruments, procedures, run files and live temperatures."""

from __future__ import annotations

__version__ = "0.1.0"
