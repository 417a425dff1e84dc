import threading
from collections import deque
from itertools import starmap

import numpy as np
import pytest

from labcool.engine.recorder import BLOCK_ROWS, WAITING_BLOCKS, Recorder
from labcool.errors import RecordingError


class Writer:
    """Keeps what it is given; may be made to fail or to wait."""

    def __init__(self):
        self.times, self.spectra, self.scalars, self.jobs = [], [], [], []
        self.flushed = 0
        self.fail_after = None
        self.gate = threading.Event()
        self.gate.set()

    def append(self, block):
        self.gate.wait()
        if self.fail_after is not None and len(self.times) >= self.fail_after:
            raise RecordingError("run.h5: the disk is full")
        self.times += block.time.tolist()
        self.spectra += block.spectra.tolist()
        self.scalars += block.scalars.tolist()
        assert block.temperatures.shape == (len(block.time), 2)
        assert block.flags.dtype == np.int32

    def flush(self):
        self.flushed = len(self.times)


def recorder_on(writer):
    return Recorder(writer, pixels=3, counts_dtype=np.uint16, columns=2, thermometers=2)


def row(number):
    counts = np.array([number, number + 1, number + 2], np.uint16)
    return counts, (float(number), 10.0 * number, -1.0, 300, 301, 0.1, 0.2, 0, 4)


@pytest.mark.parametrize("count", [0, 1, BLOCK_ROWS - 1, BLOCK_ROWS, 10 * BLOCK_ROWS + 7])
def test_every_row_arrives_once_and_in_order(count):
    writer = Writer()
    recorder = recorder_on(writer)
    for number in range(count):
        recorder.record(*row(number))
    recorder.close()
    assert writer.times == list(range(count))
    assert writer.spectra == [[n, n + 1, n + 2] for n in range(count)]
    assert writer.scalars == [[10.0 * n, -1.0] for n in range(count)]
    assert writer.flushed == count


def test_the_caller_may_reuse_its_array():
    writer = Writer()
    recorder = recorder_on(writer)
    counts, numbers = row(5)
    recorder.record(counts, numbers)
    counts[:] = 0
    recorder.close()
    assert writer.spectra == [[5, 6, 7]]


def test_a_slow_disk_holds_the_caller_up_and_loses_nothing():
    writer = Writer()
    writer.gate.clear()
    recorder = recorder_on(writer)
    backlogs = []
    append = writer.append

    def slow_append(block):
        append(block)
        backlogs.append(len(recorder._full))

    writer.append = slow_append
    count = 4 * WAITING_BLOCKS * BLOCK_ROWS

    def produce():
        for number in range(count):
            recorder.record(*row(number % 60000))

    producer = threading.Thread(target=produce)
    producer.start()
    writer.gate.set()
    producer.join()
    recorder.close()
    assert len(writer.times) == count
    assert max(backlogs) <= WAITING_BLOCKS


def test_a_failed_write_stops_the_next_record_and_the_next_check():
    writer = Writer()
    writer.fail_after = 0
    recorder = recorder_on(writer)
    rows = map(row, range(60000))
    with pytest.raises(RecordingError, match="the disk is full"):
        deque(starmap(recorder.record, rows), maxlen=0)
    with pytest.raises(RecordingError, match="the disk is full"):
        recorder.check()
    with pytest.raises(RecordingError, match="the disk is full"):
        recorder.close()


def test_an_error_of_another_kind_is_a_recording_error_too():
    writer = Writer()
    recorder = recorder_on(writer)

    def broken():
        raise MemoryError("none left")

    recorder.later(broken)
    with pytest.raises(RecordingError, match="MemoryError: none left"):
        recorder.close()


def test_jobs_come_after_the_rows_before_them():
    writer = Writer()
    recorder = recorder_on(writer)
    for number in range(3):
        recorder.record(*row(number))
    seen = []
    recorder.later(lambda: seen.append(len(writer.times)))
    recorder.close()
    assert seen == [3]
