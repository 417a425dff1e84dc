"""Codes and status bits of the motor controllers of the APT family."""

from __future__ import annotations

from enum import IntEnum


class Motor(IntEnum):
    """Messages of a motor controller, apart from those that only set and tell parameters."""

    START_UPDATES = 0x0011
    STOP_UPDATES = 0x0012
    SET_POSITION = 0x0410
    REQ_POSITION = 0x0411
    GET_POSITION = 0x0412
    REQ_ENCODER = 0x040A
    GET_ENCODER = 0x040B
    MOVE_HOME = 0x0443
    MOVE_HOMED = 0x0444
    MOVE_RELATIVE = 0x0448
    MOVE_ABSOLUTE = 0x0453
    MOVE_VELOCITY = 0x0457
    MOVE_COMPLETED = 0x0464
    MOVE_STOP = 0x0465
    MOVE_STOPPED = 0x0466
    MOVE_JOG = 0x046A
    REQ_STATUS_UPDATE = 0x0480
    GET_STATUS_UPDATE = 0x0481
    REQ_U_STATUS_UPDATE = 0x0490
    GET_U_STATUS_UPDATE = 0x0491
    ACKNOWLEDGE = 0x0492


class Status(IntEnum):
    """Status bits."""

    FORWARD_LIMIT = 1 << 0
    REVERSE_LIMIT = 1 << 1
    MOVING_FORWARD = 1 << 4
    MOVING_REVERSE = 1 << 5
    JOGGING_FORWARD = 1 << 6
    JOGGING_REVERSE = 1 << 7
    CONNECTED = 1 << 8
    HOMING = 1 << 9
    HOMED = 1 << 10
    MOTION_ERROR = 1 << 14
    CURRENT_LIMIT = 1 << 24
    ENABLED = 1 << 31
