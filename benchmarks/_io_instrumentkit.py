"""InstrumentKit's SR830, timed in an interpreter of its own. Run by io.py, which needs other pins.

    PYTHON _io_instrumentkit.py TCP|PTY ADDRESS

Prints "ready", then for each number on stdin the seconds that so many questions have taken.
"""

import sys
import time
import warnings

warnings.simplefilter("ignore")

import instruments  # noqa: E402


def main(link, address):
    """Answer numbers of questions by seconds until stdin ends."""
    if link == "TCP":
        host, _, port = address.rpartition(":")
        lock_in = instruments.srs.SRS830.open_tcpip(host, int(port))
    else:
        lock_in = instruments.srs.SRS830.open_serial(address, 9600)
    lock_in.terminator = "\n"
    print("ready", flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        for _ in range(int(line)):
            lock_in.frequency  # noqa: B018 - reading it is the question
        print(time.perf_counter() - began, flush=True)


main(*sys.argv[1:])
