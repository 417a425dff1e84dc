"""The commands of the Lake Shore controllers for curves: header, points, deletion, SoftCal."""

from __future__ import annotations

from typing import Final

from simulators._lakeshore_curves import POINTS, STANDARD_CURVES, Curve, standard_curves
from simulators._lakeshore_fields import Choice, ExecutionError, Number, Text, Whole
from simulators._lakeshore_inputs import Inputs
from simulators._lakeshore_tables import Model

_NAME, _SERIAL = Text(15), Text(10)
_FORMAT, _COEFFICIENT = Whole(1, 4), Whole(1, 2)
_LIMIT: Final = Number(0, 2000, 0, "+08.3f")
_SENSOR: Final = Number(style="+09.5f")
_KELVIN: Final = Number(0, 2000, 0, "+08.3f")
_SOFT_CALIBRATED: Final = Choice(("1", "6", "7"))


class CurveCommands:
    """Obeys and answers ``CRVHDR``, ``CRVPT``, ``CRVDEL`` and ``SCAL`` for the curves of inputs."""

    def __init__(self, inputs: Inputs, model: Model) -> None:
        self._inputs = inputs
        self._user = Whole(model.user_curves.start, model.user_curves.stop - 1)
        self._any = Whole(1, model.user_curves.stop - 1)

    def obey(self, name: str, arguments: list[str]) -> bool:
        """Obey a command and return True, or False if it is none of these."""
        match name:
            case "CRVHDR":
                self._write_header(arguments)
            case "CRVPT":
                self._write_point(arguments)
            case "CRVDEL":
                self._inputs.curves.pop(self._user.parse(_at(arguments, 0)), None)
            case "SCAL":
                self._calibrate(arguments)
            case _:
                return False
        return True

    def answer(self, name: str, arguments: list[str]) -> str | None:
        """Answer a query; None if it is none of these."""
        if name not in ("CRVHDR", "CRVPT"):
            return None
        curve = self._inputs.curves.get(self._any.parse(_at(arguments, 0)), Curve())
        if name == "CRVHDR":
            return ",".join(
                [
                    _NAME.show(curve.name),
                    _SERIAL.show(curve.serial),
                    _FORMAT.show(curve.data_format),
                    _LIMIT.show(curve.limit),
                    _COEFFICIENT.show(curve.coefficient),
                ]
            )
        index = Whole(1, POINTS).parse(_at(arguments, 1))
        sensor, kelvin = curve.points.get(index, (0.0, 0.0))
        return f"{_SENSOR.show(sensor)},{_KELVIN.show(kelvin)}"

    def check_choice(self, arguments: list[str]) -> None:
        """Put 0 in place of a curve that there is not, as ``INCRV`` does."""
        number = _at(arguments, 1)
        if number.isdecimal() and int(number) in STANDARD_CURVES and int(number) not in (1, 6):
            arguments[1] = "0"

    def _curve(self, text: str) -> Curve:
        return self._inputs.curves.setdefault(self._user.parse(text), Curve())

    def _write_header(self, arguments: list[str]) -> None:
        name, serial = _NAME.parse(_at(arguments, 1)), _SERIAL.parse(_at(arguments, 2))
        data_format = _FORMAT.parse(_at(arguments, 3))
        limit, coefficient = _LIMIT.parse(_at(arguments, 4)), _COEFFICIENT.parse(_at(arguments, 5))
        curve = self._curve(_at(arguments, 0))
        curve.name, curve.serial, curve.data_format = name, serial, data_format
        curve.limit, curve.coefficient = limit, coefficient

    def _write_point(self, arguments: list[str]) -> None:
        index = Whole(1, POINTS).parse(_at(arguments, 1))
        sensor, kelvin = _SENSOR.parse(_at(arguments, 2)), _KELVIN.parse(_at(arguments, 3))
        self._curve(_at(arguments, 0)).put(index, sensor, kelvin)

    def _calibrate(self, arguments: list[str]) -> None:
        standard = int(_SOFT_CALIBRATED.parse(_at(arguments, 0)))
        number = self._user.parse(_at(arguments, 1))
        curve = standard_curves().get(standard)
        if curve is None:
            raise ExecutionError
        curve.serial = _SERIAL.parse(_at(arguments, 2))
        self._inputs.curves[number] = curve


def _at(arguments: list[str], index: int) -> str:
    return arguments[index] if index < len(arguments) else ""
