"""Part four: the Wilsonian renormalisation group.  What is left of a theory when you look at it from further away?

Read in this order:
- `maps`  What can be read off a map of couplings?  Fixed points, exponents, beta functions.
- `decimation`, `migdal_kadanoff`, `hierarchical`  Block spins that are exact: chain, diamond lattice, Dyson's model.
- `free_blocking`  What does blocking make of a free field?  Aliases, and the perfect action.
- `blocking`, `rules`  Which number speaks for a block?  Rules for configurations, operators, rules as tables.
- `enumeration`, `monte_carlo_rg`  Exponents from a blocked magnet: all states of a small torus, and Swendsen's method.
- `sampled`, `torus_exact`  A magnet and a field put side by side, and what two spins of a torus know of each other.
- `tensors`, `ring_exact`, `corner_exact`  Can a matrix factorisation do it?  TRG and HOTRG; a ring, a corner as truth.
- `potential`, `wilson_recursion`, `epsilon_expansion`, `ising_3d`  Where does 0.63 come from?  A function that flows.
- `blurring`, `step_scaling`, `phases`  Is a blurred picture a renormalised one?  Gradient flow, curves without units,
  and how well the phase can be told once a picture is pooled.
- `information`, `neural_information`, `descent`  Which spin should speak for its block?  All 2^15 rules exactly; a
  guess that is learned, and how.
- `machines`, `thermometers`  Does a Boltzmann machine renormalise?  Where v -> h -> v goes, and how hot that is.
- `depth`, `monitor`  Is a deep network a renormalisation group?  Couplings that run with the layer; what training does.
- `cutoff`, `running_ridge`  What runs with a cutoff?  The coupling of a network field, the ridge of a regression.
- `spectra`, `marchenko_pastur`  Which directions did training make?  What sticks out of the noise, and what to cut.
"""
