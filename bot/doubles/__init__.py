"""Doubles of other companies' servers, on loopback, for the demo, the tests and the benchmarks."""
