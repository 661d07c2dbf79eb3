"""Part two: mean-field signal propagation.  h = W x + b, W ~ N(0, sw2 / fan_in), b ~ N(0, sb2); q, c are those of h.

Read in this order:
- `gaussian`, `activations`, `elementwise`, `closed_forms`, `powers`  What is a Gaussian average?
- `pairs`, `gaps`  And of two that are correlated, however closely?
- `maps`, `fixed_points`, `criticality`  How do lengths and angles change, where do they rest, where is the border?
- `networks`, `finite_width`, `finite_width_exact`, `random_kernels`, `curves`  What does a width change?
- `jacobian`, `jacobian_exact`, `training`  What does backpropagation feel, and which networks learn?
- `kernels`, `kernel_regression`, `tangent`, `committee`  What will a wide network answer, before training and after?
- `residual`, `batch_norm`, `normalisation`  Skip connections and normalisation.
- `convolution`, `random_filters`, `deep_convolution`  A Fourier mode for every length scale, and ten thousand layers.
- `dynamic_mean_field`, `strong_gain`, `two_time`, `recurrent`  Depth as time: one unit, driven by noise of its own.
- `langevin`, `linear_network`, `linear_network_exact`  Noise, path integrals, and networks that are solved.
- `gated`, `gated_networks`, `tied`, `recall`  What does a gate remember?
- `graphs`, `communities`, `walks`  Can a random graph network see communities, and what is the best possible?
"""
