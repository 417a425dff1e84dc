from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from labcool.errors import LimitError
from labcool.thermometry import Quantity, not_determined
from procedures.cooling.figure import compose, dark_spans, draw
from procedures.shared.programme import parse

PROGRAMME = parse("120 s @ 300; 60 s @ 30; 300 s dark; 900 s @ 30")
RESULTS = {
    "start_temperature": Quantity(298.15, 0.05, "K"),
    "coldest_temperature": Quantity(283.15, 0.07, "K"),
    "temperature_drop": Quantity(15.0, 0.09, "K"),
    "cooling_time_constant": Quantity(40.3, 0.4, "s"),
    "warming_time_constant": not_determined("s"),
    "recovery_in_dark": Quantity(6.2, 0.2, "K"),
    "reversibility": Quantity(93.3, 2.5, "%"),
}
NM = np.linspace(350.0, 1000.0, 2048)


def run() -> dict[str, Any]:
    random = np.random.default_rng(0)
    time = np.concatenate(
        [np.arange(0, 120, 3.0), np.arange(120, 180, 6.0), np.arange(480, 1380, 6)]
    )
    segment = np.select([time < 120, time < 180], [0, 1], 3)
    fluence = np.where(segment == 0, 300.0, 30.0)
    cold = 15.8 * np.where(segment == 0, 1 - np.exp(-time / 40), 0.95 * np.exp(-(time - 120) / 480))
    temperature = 298.15 - cold + random.normal(0, 0.15, time.size)
    intensity = np.exp(0.14 / 8.617e-5 * (1 / 298.15 - 1 / temperature))
    line = np.exp(-(((NM - 515) / 11) ** 2))
    spectra = 100 + (fluence * intensity)[:, np.newaxis] * line
    return {
        "title": "Cooling run, CsPbBr₃ film",
        "time": time,
        "temperature": temperature,
        "std": np.full(time.size, 0.15),
        "fluence": fluence,
        "relative_intensity": intensity,
        "wavelengths": NM,
        "spectra": spectra.astype(np.float32),
        "segment": segment,
        "programme": PROGRAMME,
        "results": RESULTS,
    }


def panel(figure: Figure, label: str) -> Axes:
    (found,) = [axes for axes in figure.axes if label in axes.get_ylabel().replace("\n", " ")]
    return found


def data_of(axes: Axes) -> tuple[np.ndarray, np.ndarray]:
    (line,) = axes.lines
    return np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)


@pytest.mark.parametrize(
    ("label", "column", "offset"),
    [
        ("Temperature (°C)", "temperature", -273.15),
        ("Fluence (W/cm²)", "fluence", 0.0),
    ],
)
def test_lines_are_the_data_and_do_not_bridge_the_dark(
    label: str, column: str, offset: float
) -> None:
    points = run()
    x, y = data_of(panel(compose(**points), label))
    known = np.isfinite(y)
    np.testing.assert_array_equal(x[known], points["time"])
    np.testing.assert_array_equal(y[known], points[column] + offset)
    assert np.flatnonzero(~known).tolist() == [50]
    assert (x[49], x[51]) == (174.0, 480.0)


def test_emission_is_drawn_as_given_and_leaves_the_gap() -> None:
    points = run()
    x, y = data_of(panel(compose(**points), "Emission relative"))
    known = np.isfinite(y)
    np.testing.assert_array_equal(x[known], points["time"])
    np.testing.assert_array_equal(y[known], points["relative_intensity"])
    assert np.flatnonzero(~known).tolist() == [50]


def test_the_band_is_one_standard_deviation_and_leaves_the_gap() -> None:
    points = run()
    (band,) = panel(compose(**points), "Temperature").collections
    corners = np.concatenate([path.vertices for path in band.get_paths()])
    celsius = points["temperature"] - 273.15
    assert len(band.get_paths()) == 2
    for edge in (celsius - 0.15, celsius + 0.15):
        for t, y in zip(points["time"], edge, strict=True):
            assert np.abs(corners - (t, y)).sum(axis=1).min() < 1e-9
    assert not ((corners[:, 0] > 174) & (corners[:, 0] < 480)).any()


def test_a_pause_within_a_segment_is_not_bridged_either() -> None:
    points = run()
    kept = (points["time"] < 700) | (points["time"] > 800)
    for name in (
        "time",
        "temperature",
        "std",
        "fluence",
        "relative_intensity",
        "segment",
        "spectra",
    ):
        points[name] = points[name][kept]
    x, y = data_of(panel(compose(**points), "Temperature"))
    breaks = np.flatnonzero(~np.isfinite(y))
    assert [(x[at - 1], x[at + 1]) for at in breaks] == [(174.0, 480.0), (696.0, 804.0)]


def test_axes_have_units_and_share_the_time() -> None:
    figure = compose(**run())
    panels = [panel(figure, name) for name in ("Temperature", "Fluence", "Emission", "Wavelength")]
    assert panels[-1].get_xlabel() == "Time (s)"
    assert "(nm)" in panels[-1].get_ylabel()
    assert len({axes.get_xlim() for axes in panels}) == 1
    low, high = panels[1].get_ylim()
    assert low < 30 < 300 < high
    assert panels[1].get_yscale() == "log"
    assert panels[1].get_yticks().tolist() == [30.0, 300.0]


def test_dark_is_shaded_from_the_last_point_before_to_the_first_after() -> None:
    figure = compose(**run())
    for name in ("Temperature", "Fluence", "Emission", "Wavelength"):
        (span,) = panel(figure, name).patches
        assert span.get_extents().x0 < span.get_extents().x1
        box = span.get_path().get_extents(span.get_patch_transform())
        assert (box.x0, box.x1) == (174.0, 480.0)


def test_dark_at_the_ends_follows_the_plan() -> None:
    programme = parse("10 s dark; 20 s @ 1; 5 s dark; 5 s dark; 20 s @ 1; 30 s dark")
    time = [111.0, 119.0, 129.0, 141.0, 159.0]
    assert dark_spans(time, [1, 1, 1, 4, 4], programme) == [
        (101.0, 111.0),
        (129.0, 136.0),
        (136.0, 141.0),
        (159.0, 191.0),
    ]


def test_the_map_shows_both_fluences_and_no_gap() -> None:
    points = run()
    axes = panel(compose(**points), "Wavelength")
    bright, dim = axes.images
    assert bright.get_cmap().name == "cividis"
    for image in (bright, dim):
        shown = np.asarray(image.get_array())
        assert shown.max(axis=0) == pytest.approx(1.0, abs=0.05)
        assert shown.min(axis=0) == pytest.approx(0.0, abs=0.05)
    assert bright.get_array().shape[1] + dim.get_array().shape[1] == 200
    left, right, *_ = dim.get_extent()
    assert (left, right) == (477.0, 1377.0)
    assert bright.get_extent()[1] == 177.0
    low, high = axes.get_ylim()
    assert 480 < low < 495
    assert 535 < high < 550


def test_the_band_can_be_given() -> None:
    axes = panel(compose(**run() | {"band": (500.0, 530.0)}), "Wavelength")
    assert axes.get_ylim() == (500.0, 530.0)
    with pytest.raises(LimitError, match="band"):
        compose(**run() | {"band": (2000.0, 2100.0)})


def visible_texts(figure: Figure) -> list[Text]:
    return [
        text
        for text in figure.findobj(Text)
        if text.get_text().strip()
        and text.get_visible()
        and (text.axes is None or text.axes.axison or text in text.axes.texts)
    ]


def test_no_text_overlaps_another_or_leaves_the_page_and_none_is_small() -> None:
    figure = compose(**run())
    figure.canvas.draw()
    texts = [text for text in visible_texts(figure) if not _clipped_tick(text, figure)]
    boxes = {text: text.get_window_extent() for text in texts}
    assert len(texts) > 30
    for one, other in combinations(texts, 2):
        assert not boxes[one].overlaps(boxes[other]), (one.get_text(), other.get_text())
    width, height = figure.canvas.get_width_height()
    for text, box in boxes.items():
        assert box.x0 >= 0, text.get_text()
        assert box.y0 >= 0, text.get_text()
        assert box.x1 <= width, text.get_text()
        assert box.y1 <= height, text.get_text()
        assert text.get_fontsize() >= 9, text.get_text()


def _clipped_tick(text: Text, figure: Figure) -> bool:
    """Tick labels outside the view limits exist but are not drawn."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            drawn = {
                id(label) for tick in axis._update_ticks() for label in (tick.label1, tick.label2)
            }
            every = {
                id(label) for tick in axis.get_major_ticks() for label in (tick.label1, tick.label2)
            }
            if id(text) in every:
                return id(text) not in drawn
    return False


def test_results_stand_in_the_table_temperatures_in_celsius() -> None:
    figure = compose(**run())
    texts = [text.get_text() for text in figure.axes[-1].texts]
    table = dict(zip(texts[::2], texts[1::2], strict=True))
    assert table == {
        "Start temperature": "25.000 ± 0.050 °C",
        "Coldest temperature": "10.000 ± 0.070 °C",
        "Temperature drop": "15.000 ± 0.090 K",
        "Cooling time constant": "40.30 ± 0.40 s",
        "Warming time constant": "not determined",
        "Recovery in dark": "6.20 ± 0.20 K",
        "Reversibility": "93.3 ± 2.5 %",
    }


def test_draw_writes_a_picture_without_pyplot(tmp_path: Path) -> None:
    path = tmp_path / "run.png"
    before = "matplotlib.pyplot" in sys.modules
    draw(path, **run())
    picture = matplotlib.image.imread(path)
    assert picture.shape[:2] == (1650, 1350)
    assert picture[..., :3].std() > 0.05
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_a_single_point_is_a_dot() -> None:
    points = run()
    for name in (
        "time",
        "temperature",
        "std",
        "fluence",
        "relative_intensity",
        "segment",
        "spectra",
    ):
        points[name] = points[name][:1]
    (line,) = panel(compose(**points), "Temperature").lines
    assert line.get_marker() == "."


def test_impossible_input_is_refused() -> None:
    with pytest.raises(LimitError, match="shapes"):
        compose(**run() | {"std": np.zeros(3)})
    with pytest.raises(LimitError, match="shapes"):
        compose(**run() | {"spectra": np.zeros((3, 2048))})
