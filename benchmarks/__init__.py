"""Speeds, as ratios within one run.  A package, so that no other module named benchmarks can stand before it."""
