"""Optical cooling: pump below the gap and follow the sample's temperature."""

from procedures.cooling.procedure import Cooling

__all__ = ["Cooling"]
