import numpy as np
import pytest

from labcool.errors import LimitError
from labcool.fitting.masks import (
    alive,
    below_saturation,
    outside_notch,
    window,
    without_cosmic_rays,
)

WAVELENGTHS = np.linspace(480.0, 580.0, 1000)


def spectra(n: int, seed: int) -> np.ndarray:
    line = 2000 * np.exp(-(((WAVELENGTHS - 515) / 9) ** 2)) + 30
    return np.random.default_rng(seed).poisson(line, (n, 1000)).astype(np.float64)


def test_finds_the_hits_and_nothing_else() -> None:
    block = spectra(40, 1)
    std = np.sqrt(block.mean(axis=0))
    rng = np.random.default_rng(2)
    hits = set(
        zip(rng.integers(0, 40, 30).tolist(), rng.integers(5, 995, 30).tolist(), strict=True)
    )
    for row, pixel in hits:
        block[row, pixel] += 15 * std[pixel] + 400
    found = set(map(tuple, np.argwhere(~without_cosmic_rays(block, std)).tolist()))
    assert found == hits


@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_clean_spectra_keep_all_pixels(n: int) -> None:
    block = spectra(n, 3)
    assert without_cosmic_rays(block, np.sqrt(spectra(40, 4).mean(axis=0))).all()


def test_a_jump_of_the_intensity_and_a_sharp_line_are_no_hits() -> None:
    block = spectra(20, 5)
    block[:, 700] += 3000
    block[10:] *= 1.5
    std = np.sqrt(block.max(axis=0))
    kept = without_cosmic_rays(block, std)
    assert kept.all()


def test_other_masks() -> None:
    notch = outside_notch(WAVELENGTHS, 532.0, 8.0)
    assert not notch[np.abs(WAVELENGTHS - 532) <= 8].any()
    assert notch[np.abs(WAVELENGTHS - 532) > 8].all()
    inside = window(WAVELENGTHS, 500.0, 510.0)
    assert WAVELENGTHS[inside].min() >= 500
    assert WAVELENGTHS[inside].max() <= 510
    assert below_saturation([1.0, 65535.0], 65535.0).tolist() == [True, False]


def test_dead_and_hot_pixels() -> None:
    frames = np.random.default_rng(6).normal(300, 5, (10, 200))
    frames[:, 50] = 300.0
    frames[:, 120] += 900.0
    mask = alive(frames)
    assert np.flatnonzero(~mask).tolist() == [50, 120]


@pytest.mark.parametrize(("read_noise", "enough"), [(0.1, None), (0.6, 27), (1.0, 15), (5.0, 7)])
def test_whole_counts_take_frames_to_tell_dead_from_quiet(
    read_noise: float, enough: int | None
) -> None:
    rng = np.random.default_rng(7)
    level = 200 + rng.uniform(-0.5, 0.5, 2000)
    frames = np.rint(level + rng.normal(0, read_noise, (60, 2000)))
    frames[:, 77] = 200
    frames[:, 900] += 50
    for count in range(3, 60):
        gone = set(np.flatnonzero(~alive(frames[:count])).tolist())
        assert gone in ({900}, {77, 900}), count
        assert gone == {77, 900} or enough is None or count < enough, count
        assert gone == {900} or (enough is not None and count > 3), count


def test_a_hole_in_the_dark_frames_spoils_no_other_pixel() -> None:
    frames = np.random.default_rng(6).normal(300, 5, (10, 200))
    frames[:, 50] = 300.0
    frames[:, 120] += 900.0
    frames[3] = np.nan
    frames[:, 7] = np.nan
    frames[5, 90] = np.inf
    assert np.flatnonzero(~alive(frames)).tolist() == [7, 50, 120]
    frames[2:] = np.nan
    with pytest.raises(LimitError, match="dark frames"):
        alive(frames)


@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_a_hole_hides_no_hit_and_makes_none(n: int) -> None:
    block = spectra(n, 3)
    std = np.sqrt(spectra(40, 4).mean(axis=0))
    block[0, 620] += 900
    holes = [(0, 400), (0, 401), (0, 618), (n - 1, 0), (n - 1, 999)]
    for row, pixel in holes:
        block[row, pixel] = np.nan if pixel else -np.inf
    dropped = set(map(tuple, np.argwhere(~without_cosmic_rays(block, std)).tolist()))
    assert dropped == {(0, 620), *holes}
    block[0] = np.inf
    kept = without_cosmic_rays(block, std)
    assert not kept[0].any()
    assert kept[1:-1].all()


def test_refuses() -> None:
    with pytest.raises(LimitError, match="fit window"):
        window(WAVELENGTHS, 600.0, 610.0)
    with pytest.raises(LimitError, match="notch"):
        outside_notch(WAVELENGTHS, 532.0, 1000.0)
    with pytest.raises(LimitError, match="std of a pixel"):
        without_cosmic_rays(spectra(1, 1), 0.0)
    with pytest.raises(LimitError, match="dark frames"):
        alive(np.ones((2, 5)))
