"""fieldkit: the small library under the book Field Theory of Neural Networks.

The shared base weighs numbers against truths, keeps long runs alive and draws; only the modules that draw import
matplotlib.  Each part of the book has a package of its name.  Read in this order:
- `estimates`, `autocorrelation`, `correlated`, `significant`, `fits`  What is a measured number, with which error, and
  which line fits?
- `claims`, `records`, `pulls`, `rows`, `checked`, `published`  Is the sentence true, and what others printed?
- `exercises`, `verdicts`, `asking`  Is my answer right, and if not, which mistake is it?
- `scores`  What is an answer with a bar worth?
- `checkpoints`, `chunks`  What if the kernel dies, or one machine is not enough?
- `plots`, `sliders`, `live`, `viewer`  How do the figures look, and what if you move them yourself?
- `devices`, `compiled`, `given`, `moved`  Where does a run live, and how does a processor take a whole loop at once?
  What is refused at the door, and how; where a name lives that was elsewhere before.
"""

__version__ = "0.1.0"
