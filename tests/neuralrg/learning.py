"""Trainings that have not learned: what `tests.mutation.Mutant` takes after the claim."""

TRAINING = "fieldkit/neuralrg/training.py"

UNTRAINED = (TRAINING, "        optimiser.step()\n", "        pass\n", "no weight ever moves")
GAUSSIAN_ONLY = (
    TRAINING,
    'return [group for group in groups if group["params"]]',
    "return groups[1:]",
    "only waves, scales and constants learn: the flow stays Gaussian",
)
