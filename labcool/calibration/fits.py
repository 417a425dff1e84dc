"""From measurements to calibrations. Apart from the records, because it needs all of scipy."""

from labcool.calibration._arrhenius_plot import fit_arrhenius_plot
from labcool.calibration._knife_edge import KnifeEdge, fit_knife_edge, spot_from_knife_edges
from labcool.calibration._lamp_axis import calibrate_axis
from labcool.calibration._lamp_response import response_from_blackbody, response_from_table
from labcool.calibration._stage_curve import fit_polynomial_curve, fit_varshni_curve
from labcool.calibration.origin import Origin

__all__ = [
    "KnifeEdge",
    "Origin",
    "calibrate_axis",
    "fit_arrhenius_plot",
    "fit_knife_edge",
    "fit_polynomial_curve",
    "fit_varshni_curve",
    "response_from_blackbody",
    "response_from_table",
    "spot_from_knife_edges",
]
