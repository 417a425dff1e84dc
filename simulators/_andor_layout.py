"""Which pixels go together into one value: the read modes as rows, columns and binning.

Rows and columns of the library count from 1, rows from the bottom; here they count from 0 and
ranges end before their second number. UNVERIFIED: where ``SetMultiTrack`` puts its tracks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from simulators._andor_codes import Status
from simulators._andor_ctypes import Refused


@dataclass(frozen=True, slots=True)
class Layout:
    """How the sensor is read.

    :param tracks: first and last + 1 row of each track; its rows are added on the sensor.
    :param columns: first and last + 1 column, of the image as it is read out.
    :param binning: columns that are added in the register.
    """

    tracks: tuple[tuple[int, int], ...]
    columns: tuple[int, int]
    binning: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and values in a line, (track, column)."""
        return len(self.tracks), (self.columns[1] - self.columns[0]) // self.binning

    @property
    def values(self) -> int:
        """Values in one image."""
        lines, width = self.shape
        return lines * width


def full_vertical(columns: int, rows: int) -> Layout:
    """Return full vertical binning: one track of all rows."""
    return Layout(((0, rows),), (0, columns))


def single_track(columns: int, rows: int, centre: int, height: int) -> Layout:
    """Return one track of ``height`` rows around row ``centre``.

    ``(105, 10)`` are rows 100 to 109.

    :raises Refused: if the track leaves the sensor.
    """
    if not 1 <= centre <= rows:
        raise Refused(Status.P1INVALID)
    first = centre - height // 2
    if height < 1 or first < 1 or first + height - 1 > rows:
        raise Refused(Status.P2INVALID)
    return Layout(((first - 1, first - 1 + height),), (0, columns))


def multi_track(
    columns: int, rows: int, number: int, height: int, offset: int
) -> tuple[Layout, int, int]:
    """Return evenly spaced tracks, the first track's first row (from 1), and the gap between two.

    :raises Refused: if the tracks do not fit.
    """
    if not 1 <= number <= rows:
        raise Refused(Status.P1INVALID)
    spacing = rows // number
    if not 1 <= height <= spacing:
        raise Refused(Status.P2INVALID)
    gap = spacing - height
    bottom = gap // 2 + 1 + offset
    if bottom < 1 or bottom - 1 + (number - 1) * spacing + height > rows:
        raise Refused(Status.P3INVALID)
    starts = [bottom - 1 + track * spacing for track in range(number)]
    tracks = tuple((start, start + height) for start in starts)
    return Layout(tracks, (0, columns)), bottom, gap


def random_tracks(columns: int, rows: int, areas: Sequence[int]) -> Layout:
    """Return tracks of given first and last rows, alternating in ``areas``.

    :raises Refused: if they are not ascending, overlap or leave the sensor.
    """
    if not all(1 <= row <= rows for row in areas):
        raise Refused(Status.P2INVALID)
    tracks = [(first - 1, last) for first, last in zip(areas[::2], areas[1::2], strict=True)]
    if any(first >= last for first, last in tracks):
        raise Refused(Status.RANDOM_TRACK_ERROR)
    if any(after[0] < before[1] for before, after in pairwise(tracks)):
        raise Refused(Status.RANDOM_TRACK_ERROR)
    return Layout(tuple(tracks), (0, columns))


def image(
    columns: int, rows: int, horizontal: tuple[int, int, int], vertical: tuple[int, int, int]
) -> Layout:
    """Return a rectangle; ``horizontal`` and ``vertical`` are binning, first and last pixel.

    :raises Refused: naming the parameter in the order of ``SetImage``.
    """
    hbin, hstart, hend = horizontal
    vbin, vstart, vend = vertical
    if not 1 <= hbin <= columns:
        raise Refused(Status.P1INVALID)
    if not 1 <= vbin <= rows:
        raise Refused(Status.P2INVALID)
    if not 1 <= hstart <= columns:
        raise Refused(Status.P3INVALID)
    if not hstart <= hend <= columns or (hend - hstart + 1) % hbin:
        raise Refused(Status.P4INVALID)
    if not 1 <= vstart <= rows:
        raise Refused(Status.P5INVALID)
    if not vstart <= vend <= rows or (vend - vstart + 1) % vbin:
        raise Refused(Status.P6INVALID)
    tracks = tuple((row, row + vbin) for row in range(vstart - 1, vend, vbin))
    return Layout(tracks, (hstart - 1, hend), hbin)
