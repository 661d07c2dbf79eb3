"""Part five: flows that draw lattice fields, scale by scale or wave by wave, trained, weighed and beaten.

Read in this order:
- `flows`, `couplings`  How do you draw a field and know its probability?  Invertible steps of known volume.
- `training`, `weighing`, `targets`, `progress`  How does a flow learn without a sample, and how good is it?
- `spectrum`, `pointwise`, `splines`, `equivariant`, `symmetry`  Waves, bends and symmetries that are built in.
- `ising_dual`, `ising_dual_exact`  How do spins become a field that a flow can learn?
- `blocks`, `mera`, `scales`  Is a generator a renormalisation group run backwards?
- `variational`  How far does a flow get without any network?  The best Gaussian, exactly.
- `latent`  Does it help to walk where the field is noise?
- `receptive`, `information`  What did each scale learn, and what do latent variables know of each other?
- `annealing`  Can a draw that is nearly right be walked to the target, and does that pay?
- `prices`, `sweeps`, `collapse`, `distributed`  What does a sample cost, where does a flow fail, on how many devices?
"""
