"""The figure of a cooling run: four panels over one time axis and a table of the results.

Colours are those of Okabe and Ito, and the map is *cividis*: both can be told apart by colour-blind
readers. Matplotlib is imported only when a figure is drawn, and without its global state.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.thermometry import Quantity
from labcool.units import KELVIN, ZERO_CELSIUS_K
from procedures.shared.programme import Programme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE: Final = "#0072B2"
VERMILLION: Final = "#D55E00"
GREEN: Final = "#009E73"
SHADE: Final = "0.88"
_FONT_POINTS: Final = 10
_DOTS_PER_INCH: Final = 150
_GAP: Final = 3.0
"""Points further apart than this many usual spacings are not joined."""
_MOST_ROWS: Final = 900
_MOST_COLUMNS: Final = 500
_MOST_FLUENCE_TICKS: Final = 5
_IN_BAND: Final = 0.02
_RESULT_COLUMNS: Final = 2
_NAME_WIDTH: Final = 0.27

Floats = NDArray[np.float64]


def draw(
    path_png: Path,
    *,
    title: str,
    time: ArrayLike,
    temperature: ArrayLike,
    std: ArrayLike,
    fluence: ArrayLike,
    relative_intensity: ArrayLike,
    wavelengths: ArrayLike,
    spectra: ArrayLike,
    segment: ArrayLike,
    programme: Programme,
    results: Mapping[str, Quantity],
    band: tuple[float, float] | None = None,
) -> None:
    """Write the figure of a run as PNG; parameters and errors are those of :func:`compose`.

    :param path_png: file to write; an existing one is replaced.
    """
    figure = compose(
        title=title,
        time=time,
        temperature=temperature,
        std=std,
        fluence=fluence,
        relative_intensity=relative_intensity,
        wavelengths=wavelengths,
        spectra=spectra,
        segment=segment,
        programme=programme,
        results=results,
        band=band,
    )
    figure.savefig(path_png, format="png", dpi=_DOTS_PER_INCH)


def compose(
    *,
    title: str,
    time: ArrayLike,
    temperature: ArrayLike,
    std: ArrayLike,
    fluence: ArrayLike,
    relative_intensity: ArrayLike,
    wavelengths: ArrayLike,
    spectra: ArrayLike,
    segment: ArrayLike,
    programme: Programme,
    results: Mapping[str, Quantity],
    band: tuple[float, float] | None = None,
) -> Figure:
    """Return the figure of a run. Arrays of one number for each point have shape (n,), n > 0.

    :param title: heading, e.g. sample and date.
    :param time: s, ascending.
    :param temperature: K, drawn in °C, with its 1 σ ``std``, K.
    :param fluence: irradiance at the sample, W/cm².
    :param relative_intensity: emission over that of the reference at the same fluence.
    :param wavelengths: shape (pixel,), nm, ascending.
    :param spectra: shape (n, pixel), any linear unit; each is drawn over its own range, so that
        those taken at low fluence are seen as well.
    :param segment: index into ``programme.segments`` of each point.
    :param programme: what was run; its dark segments are shaded.
    :param results: as from ``cooling_results``.
    :param band: wavelengths to show, nm; None: where there is emission.
    :raises LimitError: if there is no point or a shape does not fit.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    t = np.asarray(time, np.float64)
    columns = [np.asarray(c, np.float64) for c in (temperature, std, fluence, relative_intensity)]
    index = np.asarray(segment)
    counts, nm = np.asarray(spectra), np.asarray(wavelengths, np.float64)
    shapes = {column.shape for column in (*columns, index, t)}
    if len(shapes) > 1 or t.size == 0 or counts.shape != (t.size, nm.size):
        raise LimitError(
            "shapes of the points",
            f"{sorted(shapes)}, {counts.shape}",
            "(n,) and (n, pixel), n > 0",
        )
    pieces = _pieces(t, index, programme)
    with rc_context({"font.size": _FONT_POINTS, "axes.grid": True, "grid.color": "0.93"}):
        figure = Figure(figsize=(9, 11), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.05))
        FigureCanvasAgg(figure)
        figure.suptitle(title, fontsize=_FONT_POINTS + 2)
        grid = figure.add_gridspec(5, 2, height_ratios=(3, 1.4, 2, 2.6, 1), width_ratios=(1, 0.02))
        first = figure.add_subplot(grid[0, 0])
        panels = [first, *(figure.add_subplot(grid[row, 0], sharex=first) for row in (1, 2, 3))]
        _temperature(panels[0], t, columns[0] - ZERO_CELSIUS_K, columns[1], pieces)
        _fluence(panels[1], t, columns[2], pieces, programme)
        _line(panels[2], t, columns[3], pieces, GREEN)
        panels[2].set_ylabel("Emission relative\nto reference")
        image = _map(panels[3], t, nm, counts, pieces, band)
        bar = figure.colorbar(image, cax=figure.add_subplot(grid[3, 1]))
        bar.ax.grid(visible=False)
        bar.set_label("Part of each\nspectrum's range")
        _shade_dark(panels, t, index, programme)
        for panel in panels[:-1]:
            panel.tick_params(labelbottom=False)
        panels[-1].set_xlabel("Time (s)")
        _results(figure.add_subplot(grid[4, :]), results)
        figure.align_ylabels(panels)
    return figure


def _pieces(time: Floats, segment: NDArray[Any], programme: Programme) -> list[slice]:
    """Return the stretches of points between which no line may be drawn."""
    steps = np.diff(time)
    spacing = np.full(time.size, np.inf)
    for one in np.unique(segment):
        chosen = segment == one
        if np.count_nonzero(chosen) > 1:
            spacing[chosen] = np.median(np.diff(time[chosen]))
    usual = np.maximum(spacing[:-1], spacing[1:])
    dark_before = np.concatenate(([0], np.cumsum([s.dark for s in programme])))
    position = segment.astype(np.intp)
    crosses_dark = dark_before[position[1:]] > dark_before[position[:-1]]
    breaks = np.flatnonzero((steps > _GAP * usual) | crosses_dark) + 1
    edges = [0, *breaks.tolist(), time.size]
    return [slice(a, b) for a, b in pairwise(edges)]


def _with_gaps(values: Floats, pieces: list[slice]) -> Floats:
    """Return the values with a NaN after every piece but the last, at which lines break."""
    return np.insert(values, [piece.stop for piece in pieces[:-1]], np.nan)


def _line(axes: Axes, time: Floats, values: Floats, pieces: list[slice], colour: str) -> None:
    alone = all(piece.stop - piece.start == 1 for piece in pieces)
    axes.plot(
        _with_gaps(time, pieces),
        _with_gaps(values, pieces),
        color=colour,
        linewidth=1.0,
        marker="." if alone else "",
    )


def _temperature(
    axes: Axes, time: Floats, celsius: Floats, std: Floats, pieces: list[slice]
) -> None:
    axes.fill_between(
        _with_gaps(time, pieces),
        _with_gaps(celsius - std, pieces),
        _with_gaps(celsius + std, pieces),
        color=BLUE,
        alpha=0.3,
        linewidth=0,
    )
    _line(axes, time, celsius, pieces, BLUE)
    axes.set_ylabel("Temperature\n(°C), band ± 1σ")


def _fluence(
    axes: Axes, time: Floats, fluence: Floats, pieces: list[slice], programme: Programme
) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    _line(axes, time, fluence, pieces, VERMILLION)
    axes.lines[-1].set(drawstyle="steps-post", linewidth=2.0)
    axes.set_ylabel("Fluence\n(W/cm²)")
    levels = programme.fluences
    if not levels:
        return
    axes.set_yscale("log")
    axes.set_ylim(levels[0] / 3, levels[-1] * 3)
    if len(levels) <= _MOST_FLUENCE_TICKS:
        axes.yaxis.set_major_locator(FixedLocator(levels))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())


def _map(
    axes: Axes,
    time: Floats,
    nm: Floats,
    spectra: NDArray[Any],
    pieces: list[slice],
    band: tuple[float, float] | None,
) -> Any:
    low, high = _emission(nm, spectra) if band is None else band
    chosen = np.flatnonzero((nm >= low) & (nm <= high))
    if chosen.size < 2:
        raise LimitError("band (nm)", (low, high), "wide enough for two pixels of the spectra")
    pixels = slice(int(chosen[0]), int(chosen[-1]) + 1)
    image = None
    for piece in pieces:
        rows = _thinned(spectra[piece, pixels], -(-time.size // _MOST_ROWS), axis=0)
        cells = _thinned(rows, -(-chosen.size // _MOST_COLUMNS), axis=1)
        image = axes.pcolorfast(
            _edges(time[piece], rows.shape[0]),
            _edges(nm[pixels], cells.shape[1]),
            _over_own_range(cells).T,
            cmap="cividis",
            vmin=0.0,
            vmax=1.0,
        )
    axes.set_ylim(low, high)
    axes.set_ylabel("Wavelength\n(nm)")
    axes.grid(visible=False)
    return image


def _emission(nm: Floats, spectra: NDArray[Any]) -> tuple[float, float]:
    mean = np.nanmean(spectra[:: max(1, len(spectra) // 200)], axis=0, dtype=np.float64)
    floor = np.median(mean)
    bright = np.flatnonzero(mean - floor > _IN_BAND * (mean.max() - floor))
    if bright.size < 2:
        return float(nm[0]), float(nm[-1])
    margin = (nm[bright[-1]] - nm[bright[0]]) / 10
    return max(float(nm[bright[0]] - margin), float(nm[0])), min(
        float(nm[bright[-1]] + margin), float(nm[-1])
    )


def _thinned(block: NDArray[Any], factor: int, axis: int) -> Floats:
    """Return means over ``factor`` neighbours along an axis; the last may be over fewer."""
    starts = np.arange(0, block.shape[axis], factor)
    sizes = np.diff(np.append(starts, block.shape[axis]))
    sums = np.add.reduceat(block, starts, axis=axis, dtype=np.float64)
    means: Floats = sums / (sizes[:, np.newaxis] if axis == 0 else sizes)
    return means


def _over_own_range(rows: Floats) -> Floats:
    low = np.nanpercentile(rows, 2, axis=1, keepdims=True)
    high = np.nanpercentile(rows, 99.5, axis=1, keepdims=True)
    return (rows - low) / np.where(high > low, high - low, 1.0)


def _edges(centres: Floats, cells: int) -> Floats:
    """Return the cells + 1 borders between groups of neighbouring centres."""
    if centres.size == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middles = (centres[1:] + centres[:-1]) / 2
    outer = (1.5 * centres[0] - 0.5 * centres[1], 1.5 * centres[-1] - 0.5 * centres[-2])
    borders = np.concatenate((outer[:1], middles, outer[1:]))
    factor = -(-centres.size // cells)
    starts = np.arange(0, centres.size, factor)
    return np.append(borders[starts], borders[-1])


def _shade_dark(
    panels: list[Axes], time: Floats, segment: NDArray[Any], programme: Programme
) -> None:
    for begin, end in dark_spans(time, segment, programme):
        for panel in panels:
            panel.axvspan(begin, end, color=SHADE, linewidth=0, zorder=0)
        width = (end - begin) / max(time[-1] - time[0], 1e-9)
        if width > 0.06:
            panels[0].text(
                (begin + end) / 2,
                0.95,
                "dark",
                transform=panels[0].get_xaxis_transform(),
                ha="center",
                va="top",
            )


def dark_spans(
    time: ArrayLike, segment: ArrayLike, programme: Programme
) -> list[tuple[float, float]]:
    """Return begin and end of each dark segment on the time axis of the points, s.

    It reaches from the last point before to the first point after it, because segments may take
    longer than planned; where there is no such point, the planned moment is taken.

    :param time: shape (n,), s, ascending, n > 0.
    :param segment: shape (n,), index into ``programme.segments``.
    """
    t, index = np.asarray(time, np.float64), np.asarray(segment)
    planned = programme.starts
    origin = float(t[0]) - planned[int(index[0])]
    spans = []
    for number, (start, part) in enumerate(zip(planned, programme, strict=True)):
        if not part.dark:
            continue
        before, after = t[index < number], t[index > number]
        lit_just_before = number > 0 and not programme.segments[number - 1].dark
        lit_next = number + 1 < len(programme) and not programme.segments[number + 1].dark
        begin = before[-1] if before.size and lit_just_before else origin + start
        end = after[0] if after.size and lit_next else origin + start + part.duration
        spans.append((float(begin), float(end)))
    return spans


def _results(axes: Axes, results: Mapping[str, Quantity]) -> None:
    axes.axis("off")
    rows = -(-len(results) // _RESULT_COLUMNS)
    for number, (name, quantity) in enumerate(results.items()):
        column, row = divmod(number, rows)
        x, y = column / _RESULT_COLUMNS, 1 - (row + 0.5) / rows
        label = name.replace("_", " ").capitalize()
        axes.text(x, y, label, transform=axes.transAxes, va="center")
        shown = _shown(name, quantity)
        axes.text(x + _NAME_WIDTH, y, shown, transform=axes.transAxes, va="center")


def _shown(name: str, quantity: Quantity) -> str:
    if name.endswith("_temperature") and quantity.unit == KELVIN:
        quantity = Quantity(quantity.value - ZERO_CELSIUS_K, quantity.std, "°C")
    return str(quantity)
