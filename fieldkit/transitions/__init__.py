"""Part six: phase transitions in learning.  When is a jump a transition?

A transition has a control parameter, a size that goes to infinity, an order parameter that vanishes for a reason, and
a place that does not move when the marks are changed.  Read in this order:

- `changes`: is there a jump or a break at all, by a test whose null is stated;  `partitions`: where are the levels of a
  staircase;  `metrics`: does the network jump, or its marks;  `rules`: what detectors without a null find in noise.
- `stairs`: why self-supervised learning climbs stairs;  `siamese`: why it does not collapse, until it does;
  `encoders`: really trained ones, in the plane of model and data size.
- `deep_linear`: depth decides whether learning slides or jumps;  `superposition`, `attention`: two minima that cross.
- `pairs`: how many pairs before anything is seen;  `spiked`: how much repetitions differ near a transition.
- `scaling`, `data_collapse`: a critical point read off small systems;  `classes`: which universality class, or none.
- `magnets`: what a network can know of a phase at best;  `networks`: many trained at once;  `triangular`: a lattice
  that none of them was trained on.
- `learning_curves` and `laws`: is a scaling law a straight line;  `in_context`: clocks of learning to learn.
- `speciation`: when a diffusion model makes up its mind, and when it remembers;  `collapse`: how
  sharply;  `denoiser`: a trained one.
- `capacity`: how much fits in;  `sealed`: predictions that are sealed before they are measured;  `grokking`: one that
  failed.
"""
