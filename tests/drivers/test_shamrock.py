"""The Shamrock driver, alone and behind a camera, on a double of both libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from andor_double import AndorDouble, connected
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.andor import AndorSpectrometer
from drivers.shamrock import Shamrock
from labcool.clock import VirtualClock
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentRefused,
    LabcoolError,
    LimitError,
)

Connect = Callable[..., AndorSpectrometer]


@pytest.fixture
def double() -> Iterator[AndorDouble]:
    made = AndorDouble(VirtualClock())
    yield made
    assert made.crashes == []


@pytest.fixture
def shamrock(double: AndorDouble) -> Shamrock:
    return Shamrock(double, "spectrograph", clock=double.clock)


@pytest.fixture
def connect(double: AndorDouble) -> Connect:
    return partial(connected, double, spectrograph=True)


def test_connecting_moves_nothing_and_homes_once(double: AndorDouble, shamrock: Shamrock) -> None:
    assert shamrock.identity == "Andor spectrograph SR-0815"
    assert [g.lines_per_mm for g in shamrock.gratings] == [150.0, 600.0, 1200.0]
    assert len(double.times("ShamrockInitialize")) == 1
    assert not [order for order in double.orders if order[0].startswith("ShamrockSet")]
    shamrock.shutdown()
    assert double.orders[-1] == ("ShamrockClose",)
    with pytest.raises(InstrumentDisconnected, match="spectrograph: its use has ended"):
        _ = shamrock.wavelength
    told = len(double.calls)
    shamrock.shutdown()
    assert len(double.calls) == told


def test_moves_are_in_nanometres_and_read_back(double: AndorDouble, shamrock: Shamrock) -> None:
    shamrock.go_to(692.0)
    assert double.times("ShamrockSetWavelength") == [(0, pytest.approx(692.0, abs=1e-4))]
    assert shamrock.wavelength == 692.0
    shamrock.grating = 3
    assert (shamrock.grating, double.grating) == (3, 3)
    shamrock.slit_width = 55.0
    assert (shamrock.slit_width, double.slit) == (55.0, pytest.approx(55.0))
    assert double.times("ShamrockSetAutoSlitWidth") == [(0, 1, pytest.approx(55.0))]
    shamrock.go_to_zero_order()
    assert shamrock.at_zero_order is True
    assert shamrock.settings()["wavelength_nm"] == 0.0


def test_slit_that_is_meant(double: AndorDouble) -> None:
    other = Shamrock(double, "spectrograph", clock=double.clock, slit="output direct")
    other.slit_width = 20.0
    assert double.times("ShamrockSetAutoSlitWidth") == [(0, 4, pytest.approx(20.0))]
    double.values["ShamrockAutoSlitIsPresent"] = (0,)
    bare = Shamrock(double, "spectrograph", clock=double.clock)
    assert "slit_width_um" not in bare.settings()
    with pytest.raises(InstrumentRefused, match=r"spectrograph: .*not present"):
        bare.slit_width = 20.0


def test_what_did_not_happen_is_told(double: AndorDouble, shamrock: Shamrock) -> None:
    double.stuck = True
    with pytest.raises(InstrumentRefused, match=r"stands at 500\.00 nm although 600\.00 nm"):
        shamrock.go_to(600.0)
    with pytest.raises(InstrumentRefused, match="grating 1 is in the beam, not 2"):
        shamrock.grating = 2
    with pytest.raises(InstrumentRefused, match="slit is 100 µm wide although 50 µm"):
        shamrock.slit_width = 50.0
    with pytest.raises(InstrumentRefused, match="does not stand at zero order"):
        shamrock.go_to_zero_order()


@pytest.mark.parametrize("value", [-1.0, 0.0, 1200.1, 3000.0, float("nan"), True, "700"])
def test_values_out_of_range_move_nothing(
    double: AndorDouble, shamrock: Shamrock, value: Any
) -> None:
    sent = len(double.orders)
    with pytest.raises(LimitError, match="spectrograph wavelength"):
        shamrock.go_to(value)
    with pytest.raises(LimitError, match="spectrograph grating"):
        shamrock.grating = value
    if value != 1200.1:
        with pytest.raises(LimitError, match="spectrograph slit_width"):
            shamrock.slit_width = value
    assert len(double.orders) == sent


def test_keywords_out_of_range(double: AndorDouble) -> None:
    for keywords in ({"slit": "back door"}, {"move_timeout": 1.0}):
        with pytest.raises(LimitError, match="spectrograph"):
            Shamrock(double, "spectrograph", clock=double.clock, **keywords)  # type: ignore[arg-type]
    assert double.calls == []


def test_which_spectrograph_is_meant(double: AndorDouble) -> None:
    with pytest.raises(InstrumentDisconnected, match=r"no spectrograph KY-1 is connected. SR-0815"):
        Shamrock(double, "spectrograph", clock=double.clock, serial="KY-1")
    assert double.orders[-1] == ("ShamrockClose",)
    double.values["ShamrockGetNumberDevices"] = (2,)
    with pytest.raises(ConfigurationError, match=r"several spectrographs .* name one by serial"):
        Shamrock(double, "spectrograph", clock=double.clock)
    double.values["ShamrockGetNumberDevices"] = (0,)
    with pytest.raises(InstrumentDisconnected, match="spectrograph: no spectrograph"):
        Shamrock(double, "spectrograph", clock=double.clock)


def test_library_that_is_missing(double: AndorDouble) -> None:
    double.absent.add("atspectrograph.dll")
    with pytest.raises(ConfigurationError, match=r"spectrograph: .*cannot be loaded"):
        Shamrock(double, "spectrograph", clock=double.clock)


def test_spurious_communication_error_is_asked_again(
    double: AndorDouble, shamrock: Shamrock, caplog: pytest.LogCaptureFixture
) -> None:
    left = [3]

    def flaky(_: int, grating: Any) -> int | None:
        grating[0] = 2
        left[0] -= 1
        return 20201 if left[0] >= 0 else None

    double._ShamrockGetGrating = flaky  # type: ignore[method-assign]
    assert shamrock.grating == 2
    assert caplog.text.count("communication error 20201, asking again") == 3
    left[0] = 100
    with pytest.raises(InstrumentDisconnected, match=r"spectrograph: .*answered 20201"):
        _ = shamrock.grating
    assert left[0] == 94


def test_calibration_is_asked_for_the_detector(double: AndorDouble, shamrock: Shamrock) -> None:
    nanometres = shamrock.calibration(8, 16.0)
    np.testing.assert_allclose(nanometres, 500.0 + 0.5 * (np.arange(8) - 4), rtol=1e-7)
    assert double.times("ShamrockSetNumberPixels") == [(0, 8)]
    assert double.times("ShamrockSetPixelWidth") == [(0, pytest.approx(16.0))]
    double.wavelength = float("nan")
    with pytest.raises(GarbledAnswer, match="spectrograph: "):
        shamrock.calibration(8, 16.0)
    double.wavelength = 0.0
    with pytest.raises(InstrumentRefused, match="zero order"):
        shamrock.calibration(8, 16.0)


@pytest.mark.parametrize("slope", [0.5, -0.5])
def test_camera_takes_its_wavelengths_from_the_spectrograph(
    double: AndorDouble, connect: Connect, slope: float
) -> None:
    double.slope = slope
    double.light[2] = 1000
    spectrometer = connect(centre_wavelength=700.0, grating=2, slit_width=50.0)
    assert (double.wavelength, double.grating, double.slit) == (700.0, 2, pytest.approx(50.0))
    assert (np.diff(spectrometer.wavelengths) > 0).all()
    lit = spectrometer.wavelengths[np.argmax(spectrometer.acquire().counts)]
    assert lit == pytest.approx(700.0 - 2 * slope)
    assert spectrometer.spectrograph is not None
    spectrometer.spectrograph.go_to(800.0)
    assert spectrometer.wavelengths.mean() == pytest.approx(800.0, abs=0.3)
    settings = spectrometer.settings()
    assert settings["spectrograph_wavelength_nm"] == 800.0
    assert settings["spectrograph_lines_per_mm"] == 600.0
    with pytest.raises(ConfigurationError, match="the spectrograph calibrates"):
        spectrometer.wavelength_coefficients = [1.0, 2.0]


def test_calibration_that_turns_back_is_refused(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect()
    double._ShamrockGetCalibration = (  # type: ignore[method-assign]
        lambda _, values, number: (
            [values.__setitem__(i, 500.0 + i % 3) for i in range(number)] and None
        )
    )
    with pytest.raises(GarbledAnswer, match="neither rises nor falls"):
        _ = spectrometer.wavelengths


def test_no_spectrum_at_zero_order(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect()
    assert spectrometer.spectrograph is not None
    spectrometer.spectrograph.go_to_zero_order()
    with pytest.raises(InstrumentRefused, match="camera: it stands at zero order"):
        spectrometer.acquire()
    assert not double.times("StartAcquisition")
    spectrometer.spectrograph.go_to(600.0)
    spectrometer.acquire()


def test_grating_does_not_move_while_the_gain_is_on(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect(amplifier="em")
    spectrograph = spectrometer.spectrograph
    assert spectrograph is not None
    spectrometer.acquire()
    spectrometer.em_gain = 10
    moves: list[Callable[[], object]] = [
        lambda: spectrograph.go_to(600.0),
        lambda: setattr(spectrograph, "grating", 2),
        lambda: setattr(spectrograph, "slit_width", 20.0),
        spectrograph.go_to_zero_order,
    ]
    sent = len(double.orders)
    for move in moves:
        with pytest.raises(InstrumentRefused, match=r"camera: .*does not move while the EM gain"):
            move()
    assert len(double.orders) == sent
    spectrometer.em_gain = 1
    for move in moves:
        move()


def test_shutter_is_closed_during_a_move_and_light_is_unknown_after_it(
    double: AndorDouble, connect: Connect
) -> None:
    spectrometer = connect(amplifier="em", shutter="open")
    assert spectrometer.spectrograph is not None
    spectrometer.acquire()
    assert double.times("SetShutter")[-1][1] == 1
    spectrometer.spectrograph.go_to(600.0)
    moved = [call[0] for call in double.orders].index("ShamrockSetWavelength")
    assert [call for call in double.orders[:moved] if call[0] == "SetShutter"][-1][2] == 2
    with pytest.raises(InstrumentRefused, match="needs a spectrum"):
        spectrometer.em_gain = 2
    spectrometer.acquire()
    assert double.times("SetShutter")[-1][1] == 1


def test_nothing_moves_during_an_acquisition(double: AndorDouble, connect: Connect) -> None:
    spectrometer = connect()
    assert spectrometer.spectrograph is not None
    double.number, double.fastest = 100, 10.0
    double._StartAcquisition()
    with pytest.raises(InstrumentRefused, match="only between acquisitions"):
        spectrometer.spectrograph.go_to(600.0)
    assert double.wavelength == 500.0


def test_both_are_released(double: AndorDouble, connect: Connect) -> None:
    connect().shutdown()
    assert double.orders[-1] == ("ShutDown",)
    assert ("ShamrockClose",) in double.orders
    double.codes["ShamrockEepromGetOpticalParams"] = 20275
    with pytest.raises(InstrumentDisconnected, match=r"^camera: .*20275"):
        connect()
    assert double.orders[-1] == ("ShutDown",)


@pytest.mark.parametrize(
    ("function", "values"),
    [
        ("GetDetector", (0, 6)),
        ("GetDetector", (8, -1)),
        ("GetDetector", (2**31 - 1, 6)),
        ("GetPixelSize", (float("nan"), 16.0)),
        ("GetBitDepth", (0,)),
        ("GetBitDepth", (1000,)),
        ("GetNumberAmp", (0,)),
        ("GetFastestRecommendedVSSpeed", (99, 0.5)),
        ("GetEMGainRange", (300, 2)),
        ("GetEMGainRange", (-7, 300)),
        ("GetEMCCDGain", (1000,)),
        ("GetEMCCDGain", (-1,)),
        ("GetSensitivity", (float("nan"),)),
        ("GetSensitivity", (0.0,)),
        ("GetMaximumExposure", (float("inf"),)),
        ("GetMaximumExposure", (0.0,)),
        ("GetAcquisitionTimings", (float("nan"), 0.1, 0.1)),
        ("GetAcquisitionTimings", (0.1, 0.1, -1.0)),
        ("GetTotalNumberImagesAcquired", (-1,)),
        ("GetTotalNumberImagesAcquired", (2,)),
        ("GetTemperatureRange", (20, -120)),
        ("ShamrockGetNumberDevices", (-1,)),
        ("ShamrockGetNumberGratings", (0,)),
        ("ShamrockEepromGetOpticalParams", (float("nan"), 30.0, 0.5)),
        ("ShamrockGetGrating", (0,)),
        ("ShamrockGetGrating", (4,)),
        ("ShamrockGetWavelength", (float("inf"),)),
    ],
    ids=str,
)
def test_answers_that_make_no_sense(function: str, values: tuple[float, ...]) -> None:
    double = AndorDouble(VirtualClock())
    double.values[function] = values

    def senseless(*arguments: Any) -> None:
        pointers = [a for a in arguments if hasattr(a, "contents")]
        for pointer, value in zip(pointers, values, strict=True):
            pointer[0] = value

    if hasattr(double, f"_{function}"):
        setattr(double, f"_{function}", senseless)
    with pytest.raises(InstrumentError, match=r"^camera: "):
        use(double)
    assert double.crashes == []


@given(
    code=st.integers(min_value=0, max_value=2**32 - 1) | st.integers(20000, 20300),
    at=st.integers(min_value=0, max_value=400),
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_code_at_any_call_is_an_error_of_ours_or_success(code: int, at: int) -> None:
    double = AndorDouble(VirtualClock())
    answer = double._answer

    def spoilt(name: str, arguments: tuple[Any, ...]) -> int:
        result = answer(name, arguments)
        return code if len(double.calls) == at else result

    double._answer = spoilt  # type: ignore[method-assign]
    errors: list[LabcoolError] = []
    try:
        use(double)
    except LabcoolError as error:
        errors.append(error)
    assert all("camera" in str(error) for error in errors)
    assert double.crashes == []


def use(double: AndorDouble) -> None:
    spectrometer = connected(double, spectrograph=True, amplifier="em", temperature=213.15)
    try:
        spectrometer.acquire()
        spectrometer.em_gain = 5
        spectrometer.make_safe()
        spectrometer.settings()
    finally:
        spectrometer.shutdown()
