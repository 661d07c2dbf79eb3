"""Phase transitions: a magnet of one's own, and magnets that nobody knows.

- `own_magnet`  Triangular magnets, their critical temperature, independent configurations by the transfer matrix.
- `blind`  The assignment *Blind critical point*.
"""
