"""Part one: fields on a lattice of spacing 1 with S = sum [ 1/2 (d phi)^2 + 1/2 mass2 phi^2 + coupling phi^4 ]."""
