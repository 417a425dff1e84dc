"""The bench: roles, bench file, illumination, and opening all of it."""

from labcool.bench.bench import Bench
from labcool.bench.bench_file import LoadedBench, read_bench
from labcool.bench.opening import open_bench

__all__ = ["Bench", "LoadedBench", "open_bench", "read_bench"]
