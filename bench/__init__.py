"""The measured comparisons: `make bench` (bench/run.py) and `make bench-scale` (bench/scale.py). Linux only.

docs/performance.md says what is measured and how to read it. Nothing of the product imports this.
"""
