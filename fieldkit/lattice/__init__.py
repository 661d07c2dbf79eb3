"""Part one: fields on a lattice of spacing 1 with S = sum [ 1/2 (d phi)^2 + 1/2 mass2 phi^2 + coupling phi^4 ].

Read in this order:
- `free`, `free_exact`, `infinite`, `markov`  What can be drawn exactly?  The free field, mode by mode, on a lattice or
  without a boundary, and the chain whose memory is known.
- `phi4`, `small_lattices`  What changes when the field talks to itself?  The action, and the truth where it can be
  integrated.
- `dynamics`, `hmc`, `acceleration`, `parts`, `fused`  How do you draw from exp(-S)?  Hybrid Monte Carlo, a mass for
  every wave, and how to say it to a processor.
- `ising`, `clusters`, `hoshen_kopelman`, `embedded`, `ising_exact`, `onsager_exact`, `ising_moments`  Spins, one at a
  time or a cluster at a time, also inside a field of real numbers, and Kaufman's and Onsager's truths.
- `slowing_exact`  How long does a chain remember, where that is known?
- `oscillator`, `continuum`  What does the spacing cost?  Quantum mechanics to twelve digits, and limits of a -> 0.
- `interpolation`, `aliasing`  What does the field do between the sites, and how wrong is a kernel there?
- `neuron`, `layers`, `exact_neuron`, `digits`  Which energy does a neuron minimise, and is a layer a field?
"""
