"""Mean-field signal propagation: an activation of one's own.

- `own_neuron`  The activation, and what theory says of it.
- `layers`  Right and wrong layers, which stay outside of the sandbox; growths in networks with tied weights.
- `commit`  The assignment *Commit, then measure*.
"""
