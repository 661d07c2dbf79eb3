"""The renormalisation group: a chain and a block of one's own.

- `own_chain`  A chain of clock spins that decimates exactly; right and wrong steps.
- `blocking`  The assignment *Your own blocking*.
"""
