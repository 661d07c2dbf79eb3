"""NeuralRG flows: a layer and a target of one's own.

- `own_flow`  A layer with its determinant, weights of known width, flows that cover their target and flows that do not.
- `honest`  The assignment *An honest flow*.
"""
