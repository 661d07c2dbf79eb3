"""Part four: the Wilsonian renormalisation group.  What is left of a theory when you look at it from further away?

Read in this order:
- `maps` fixed points, exponents and beta functions of any map of couplings
- `decimation`, `migdal_kadanoff`, `hierarchical` exact block spins: chain, diamond lattice, Dyson's model
"""
