"""Networks that are not those of the theory: what `tests.mutation.Mutant` takes after the claim."""

TRUNCATED = (
    "fieldkit/nnft/ensembles.py",
    "z = A @ torch.randn(A.shape[1], n * N, generator=rng, device=rng.device, dtype=dtype)",
    "z = A @ torch.randn(A.shape[1], n * N, generator=rng, device=rng.device, dtype=dtype).clamp(-2, 2)",
    "weights cut off at two standard deviations, as many initialisers do",
)
