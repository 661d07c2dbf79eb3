"""fieldkit: the small library under *Field Theory of Neural Networks*.

The shared base weighs numbers against truths (`estimates`, `autocorrelation`, `fits`, `claims`), keeps long runs
alive (`checkpoints`), spreads them over cores and clusters (`chunks`) and draws (`plots`, `sliders`, the only modules
that import matplotlib).  Each part of the book has a package of its name.
"""

__version__ = "0.1.0"
