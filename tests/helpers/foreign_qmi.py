"""What is used of QMI, imported as its dependencies allow where warnings are errors."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # python-vxi11 imports xdrlib of the standard library, which Python 3.11 and 3.12 deprecate.
    warnings.filterwarnings("ignore", "'xdrlib' is deprecated", DeprecationWarning)
    from qmi.core.context import QMI_Context
    from qmi.core.exceptions import QMI_InstrumentException
    from qmi.instruments.cobolt import Hubner_Cobolt0601
    from qmi.instruments.nkt_photonics import nkt_photonics_interbus_protocol as interbus

__all__ = ["Hubner_Cobolt0601", "QMI_Context", "QMI_InstrumentException", "interbus"]
