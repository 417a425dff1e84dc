import math

import numpy as np
import pytest

from labcool.errors import LimitError
from labcool.models import TwoNodeNetwork

NETWORK = TwoNodeNetwork(5.8e-4, 6.4e-3, 9.66e-6, 6.4e-6)


def test_time_constants_are_the_eigenvalues_of_the_network() -> None:
    spot, around = NETWORK.spot_conductance, NETWORK.stage_conductance
    matrix = np.array(
        [
            [-spot / NETWORK.spot_capacity, spot / NETWORK.spot_capacity],
            [
                spot / NETWORK.surroundings_capacity,
                -(spot + around) / NETWORK.surroundings_capacity,
            ],
        ]
    )
    expected = np.sort(-1 / np.linalg.eigvals(matrix))
    np.testing.assert_allclose(NETWORK.time_constants, expected, rtol=1e-12)


def test_in_the_steady_state_nothing_flows_but_the_heating() -> None:
    heating = -2e-4
    spot, around = NETWORK.steady_state(heating, 290.0)
    assert spot < around < 290.0
    assert NETWORK.flows(spot, around, 290.0) == pytest.approx((heating, heating), rel=1e-9)


def test_stored_heat() -> None:
    gain = NETWORK.stored(301.0, 300.0) - NETWORK.stored(300.0, 300.0)
    assert gain == pytest.approx(NETWORK.spot_capacity, rel=1e-9)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_refuses_impossible_capacities(bad: float) -> None:
    with pytest.raises(LimitError, match="surroundings capacity"):
        TwoNodeNetwork(1.0, bad, 1.0, 1.0)
