"""Part three: networks as fields.  f(x) = b + sum_i v_i h(w_i.x + b_i), w ~ N(0, sw2 / d), v ~ N(0, sw2 / N).

Read in this order:
- `ensembles`, `neurons`  Which functions does a random network draw, and what does one hidden neuron tell the world?
- `laws`, `means`  What if the output weights are not Gaussian, or weights and biases have a mean?
- `wick`, `exact`  How does a Gaussian factorise, and what are the correlators of a finite width, exactly?
- `correlators`, `measured`, `moments`  How are they measured, with which noise, and how many at once?
- `saved`  Can an ensemble be kept, and asked later?
- `action`  Which couplings reproduce a measured four-point function?
- `beyond`, `tangent`  How far from Gaussian is a network, and how much does its tangent kernel fluctuate?
- `erf_moments`, `relu_moments`, `quadrature`, `tails`  Averages of products of activations, each by its own way.
"""
