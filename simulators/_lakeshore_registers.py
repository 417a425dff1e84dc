"""The status registers of a Lake Shore controller (IEEE 488.2 and the operation events)."""

from __future__ import annotations

OPERATION_COMPLETE, QUERY_ERROR, EXECUTION_ERROR, COMMAND_ERROR, POWER_ON = 1, 4, 16, 32, 128
ALARM, SENSOR_OVERLOAD, LOOP_2_RAMP_DONE, LOOP_1_RAMP_DONE = 1, 2, 4, 8
NEW_READING, AUTOTUNE_DONE, CALIBRATION_ERROR, COMMUNICATION_ERROR = 16, 32, 64, 128
_EVENT_SUMMARY, _SERVICE_REQUEST, _OPERATION_SUMMARY = 32, 64, 128


class Registers:
    """Event registers, which remember until they are read, and their enable masks."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin as after power-on, which is the first event."""
        self.event = POWER_ON
        self.event_enable = 0
        self.service_enable = 0
        self.operation_event = 0
        self.operation_enable = 0
        self._last_operation = 0

    def note(self, operation: int) -> None:
        """Remember which operation bits have come up."""
        self.operation_event |= operation & ~self._last_operation
        self._last_operation = operation & ~NEW_READING

    def take_event(self) -> int:
        """Return the standard events, and forget them."""
        event, self.event = self.event, 0
        return event

    def take_operation_event(self) -> int:
        """Return the operation events, and forget them."""
        event, self.operation_event = self.operation_event, 0
        return event

    def clear(self) -> None:
        """Forget all events."""
        self.event = self.operation_event = 0

    def status_byte(self) -> int:
        """Return the summary of all registers."""
        status = _EVENT_SUMMARY * bool(self.event & self.event_enable)
        status |= _OPERATION_SUMMARY * bool(self.operation_event & self.operation_enable)
        return status | _SERVICE_REQUEST * bool(status & self.service_enable)
