"""Laws of the anharmonic oscillator, on the lattice and in the continuum, and of the way between them."""

import math

import pytest
import torch

from fieldkit.estimates import Estimate
from fieldkit.lattice import continuum, free, free_exact, oscillator, phi4, small_lattices
from tests.fakegpu import fake_gpu

WELLS = [(1.0, 0.0), (1.0, 0.5), (0.0, 1.0), (-1.0, 0.5)]


# diagonalisation in two harmonic bases with more digits, trusted to the digits given
@pytest.mark.parametrize(
    ("mass2", "coupling", "n", "energy"),
    [
        (0.0, 1.0, 1, 2.3936440164842914),
        (0.0, 1.0, 2, 4.696795386863647),
        (0.0, 1.0, 3, 7.335729995226399),
        (-1.0, 0.5, 0, 0.3288265025903575),
        (-1.0, 0.5, 1, 1.41726810105982),
        (-1.0, 0.5, 3, 5.019323060355656),
    ],
)
def test_levels_agree_with_independent_values(mass2, coupling, n, energy):
    assert oscillator.levels(n + 1, mass2=mass2, coupling=coupling)[n].item() == pytest.approx(energy, abs=5e-12)


def test_the_pure_quartic_ground_state_has_its_known_energy():
    # p^2 + x^4 = 2^(2/3) (q^2 / 2 + y^4) with x = 2^(1/6) y
    ground = oscillator.levels(1, mass2=0.0, coupling=1.0).item()
    assert ground * 2 ** (2 / 3) == pytest.approx(1.0603620904841826, abs=1e-11)


@pytest.mark.parametrize("mass2", [0.25, 1.0, 9.0])
def test_without_coupling_the_levels_are_equidistant(mass2):
    expected = math.sqrt(mass2) * (torch.arange(8, dtype=torch.float64) + 0.5)
    assert torch.allclose(oscillator.levels(8, mass2=mass2, coupling=0.0), expected, atol=1e-11)


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_levels_scale_as_dimensional_analysis_says(scale):
    """Time measured in other units: energies times s, mass2 times s^2, coupling times s^3."""
    one = oscillator.levels(5, mass2=-0.7, coupling=0.4)
    other = oscillator.levels(5, mass2=-0.7 * scale**2, coupling=0.4 * scale**3)
    assert torch.allclose(other, scale * one, atol=1e-10)


@pytest.mark.parametrize(("mass2", "coupling"), WELLS)
def test_virial_theorem_holds_through_the_slope_of_the_levels(mass2, coupling):
    """E(s) = s E: its derivative at s = 1, taken with respect to both couplings (Hellmann-Feynman), is E itself."""
    h = 1e-4
    up, down = (oscillator.gap(mass2=mass2 * s**2, coupling=coupling * s**3) for s in (1 + h, 1 - h))
    assert (up - down) / (2 * h) == pytest.approx(oscillator.gap(mass2=mass2, coupling=coupling), abs=1e-7)


@pytest.mark.parametrize("spacing", [2.0, 1.0, 0.3, 0.02])
@pytest.mark.parametrize("mass2", [0.25, 1.0])
def test_the_free_lattice_gap_is_the_inverse_sinh(spacing, mass2):
    expected = free_exact.mass_gap(mass2 * spacing**2) / spacing
    # ln of an eigenvalue known to 1e-15 or so, divided by the spacing
    assert oscillator.lattice_gap(spacing, mass2=mass2, coupling=0.0) == pytest.approx(expected, abs=2e-14 / spacing)


@pytest.mark.parametrize(
    ("spacing", "mass2", "coupling", "gap"),
    [
        (1.0, 1.0, 0.5, 1.4068035121136435),  # transfer matrix on another grid, two grids compared
        (0.125, 1.0, 0.5, 1.6224533716484122),
        (1.0, -1.0, 0.5, 0.9476714468764039),
    ],
)
def test_the_lattice_gap_agrees_with_independent_values(spacing, mass2, coupling, gap):
    assert oscillator.lattice_gap(spacing, mass2=mass2, coupling=coupling) == pytest.approx(gap, abs=2e-11)


@pytest.mark.parametrize("spacing", [0.5, 1.0, 1.7])
def test_rescaling_the_couplings_is_the_same_as_changing_the_spacing(spacing):
    mass2, coupling = oscillator.lattice_couplings(spacing, mass2=0.8, coupling=0.3)
    in_lattice_units = oscillator.lattice_levels(3, 1.0, mass2=mass2, coupling=coupling)
    physical = oscillator.lattice_levels(3, spacing, mass2=0.8, coupling=0.3)
    assert torch.allclose(in_lattice_units.diff() / spacing, physical.diff(), atol=1e-12)


@pytest.mark.parametrize(("mass2", "coupling"), WELLS)
def test_the_rescaled_action_is_the_discretised_action(mass2, coupling):
    spacing, x = 0.3, torch.linspace(-1, 2, 7, dtype=torch.float64)[None].sin()
    kinetic = (x.roll(-1, 1) - x).square() / (2 * spacing)
    discretised = (kinetic + spacing * (mass2 * x**2 / 2 + coupling * x**4)).sum()
    theory = phi4.Phi4(*oscillator.lattice_couplings(spacing, mass2=mass2, coupling=coupling))
    assert torch.allclose(theory.action(x / math.sqrt(spacing))[0], discretised, atol=1e-13)


@pytest.mark.parametrize(("mass2", "coupling"), [(1.0, 0.5), (-1.0, 0.5), (1.0, 0.0)])
@pytest.mark.parametrize("L", [2, 7])
def test_the_correlator_of_the_ring_agrees_with_the_exact_ring(mass2, coupling, L):
    ring = small_lattices.ring(phi4.Phi4(mass2, coupling), L).correlator
    assert torch.allclose(oscillator.lattice_correlator(L, 1.0, mass2=mass2, coupling=coupling), ring, atol=1e-11)


def test_the_free_correlator_of_the_ring_is_the_propagator():
    spacing, L = 0.5, 12
    exact = spacing * free_exact.propagator(L, 1, mass2=1.7 * spacing**2)
    assert torch.allclose(oscillator.lattice_correlator(L, spacing, mass2=1.7, coupling=0.0), exact, atol=1e-12)


@pytest.mark.parametrize(("mass2", "coupling"), WELLS)
def test_the_artefact_has_the_amplitude_of_the_nested_commutators(mass2, coupling):
    well = {"mass2": mass2, "coupling": coupling}
    exact = oscillator.artefact_slope(**well)
    E = oscillator.gap(**well)
    off = [(oscillator.lattice_gap(a, **well) - E) / a**2 - exact for a in (0.08, 0.04)]
    assert abs(off[1]) < 0.02 * abs(exact)
    assert off[1] / off[0] == pytest.approx(0.25, abs=0.02)  # what is left is the next even power


def test_the_free_artefact_is_minus_m_cubed_over_24():
    assert oscillator.artefact_slope(mass2=4.0, coupling=0.0) == pytest.approx(-8 / 24, abs=1e-11)


@pytest.mark.parametrize("n_corrections", [1, 2, 3])
def test_the_exponent_of_a_lie_is_within_its_tolerance(n_corrections):
    spacings = [2.0**-k for k in range(1, 6)]
    lies = [free_exact.mass_gap(a * a) / a - 1 for a in spacings]
    p, tolerance = continuum.exact_exponent(spacings, lies, n_corrections=n_corrections)
    assert abs(p - 2) <= tolerance


def test_an_exact_power_is_found_exactly():
    spacings = [1.0, 0.5, 0.3, 0.2]
    lies = [Estimate(0.1 * a**1.5, 1e-3 * a) for a in spacings]
    fit = continuum.exponent(spacings, lies)
    assert fit.estimate(0).value == pytest.approx(1.5, abs=1e-12)


def test_extrapolation_of_a_polynomial_is_its_constant():
    spacings = [0.2, 0.4, 0.5, 0.7]
    gaps = [Estimate(1.3 - 0.4 * a**2 + 0.1 * a**4, 0.01 + 0.01 * a) for a in spacings]
    fit = continuum.extrapolate(spacings, gaps, powers=[0, 2, 4])
    assert fit.parameters.tolist() == pytest.approx([1.3, -0.4, 0.1], abs=1e-11)
    assert fit.dof == 1


@pytest.mark.parametrize("step", [1, 2, 3])
def test_the_effective_gap_of_one_state_on_a_ring_is_its_energy(step):
    E, L = 0.37, 14
    c = torch.cosh(E * (L / 2 - torch.arange(L, dtype=torch.float64)))
    found = continuum.effective_gap(c, times=list(range(step, L // 2 + 1)), step=step)
    assert torch.allclose(found, torch.full_like(found, E), atol=1e-12)


@pytest.mark.parametrize("spacing", [3 / 4, 3 / 5, 1 / 2, 3 / 8, 1 / 4, 3 / 16])
def test_at_the_times_of_the_chapter_higher_states_change_the_gap_by_less_than_a_thousandth(spacing):
    well = {"mass2": 1.0, "coupling": 0.5}
    c = oscillator.lattice_correlator(round(6 / spacing), spacing, **well)
    step = max(1, round(0.5 / spacing))
    seen = continuum.effective_gap(c, times=[round(1 / spacing)], step=step).item() / spacing
    assert seen == pytest.approx(oscillator.lattice_gap(spacing, **well), rel=1e-3)


def test_the_sampled_correlator_is_that_of_the_ring():
    rng = torch.Generator().manual_seed(11)
    spacing, well = 0.5, {"mass2": 1.0, "coupling": 0.5}
    theory = phi4.Phi4(*oscillator.lattice_couplings(spacing, **well))
    c = spacing * continuum.sampled_correlators(theory, 8, near=0.6, n_chains=512, n_steps=40, rng=rng)
    exact = oscillator.lattice_correlator(8, spacing, **well)
    pulls = (c.mean(0) - exact) / (c.std(0) / math.sqrt(len(c)))
    assert pulls.abs().max() < 4.5


def test_the_fitted_gap_has_honest_bars():
    rng = torch.Generator().manual_seed(5)
    pulls = []
    for _ in range(40):
        c = free.correlator(free.sample(64 * 40, 10, 1, mass2=0.5, rng=rng))
        pulls.append(continuum.gap(c, times=[1, 2, 3], step=1, n_blocks=64).pull(free_exact.mass_gap(0.5)))
    spread = torch.tensor(pulls).square().mean().item()
    assert abs(spread - 1) < 4 * math.sqrt(2 / 40)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: oscillator.levels(3, mass2=1.0, coupling=-0.1), "bounded from below"),
        (lambda: oscillator.levels(3, mass2=-1.0, coupling=0.0), "bounded from below"),
        (lambda: oscillator.levels(100, mass2=1.0, coupling=0.1), "no more than that"),
        (lambda: oscillator.lattice_levels(2, 0.0, mass2=1.0, coupling=0.1), "positive length"),
        (lambda: oscillator.lattice_levels(60, 1.0, mass2=1.0, coupling=0.5), "above rounding"),
        (lambda: oscillator.lattice_correlator(0, 1.0, mass2=1.0, coupling=0.5), "at least one site"),
        (lambda: continuum.effective_gap(torch.ones(8), times=[5], step=1), "far half"),
        (lambda: continuum.gap(torch.ones(100, 8), times=[1], step=1), "multiple"),
        (lambda: continuum.exponent([1.0, 0.5], [Estimate(0.1, 0.01), Estimate(0.01, 0.01)]), "measure longer"),
        (lambda: continuum.exact_exponent([1.0, 0.5], [0.1, 0.2], n_corrections=1), "more spacings"),
    ],
)
def test_errors_name_the_rule_and_the_remedy(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_the_sampled_correlator_stays_on_the_device():
    with fake_gpu() as rng:
        theory = phi4.Phi4(0.25, 0.06)
        c = continuum.sampled_correlators(theory, 8, near=0.6, n_chains=4, n_steps=2, rng=rng)
        assert c.device.type == rng.device.type and c.shape == (4, 8)


@pytest.mark.parametrize(("mass2", "coupling"), [(-5.0, 1.0), (-20.0, 1.0), (-60.0, 1.0), (-1.0, 0.01), (-1.0, 0.002)])
def test_double_wells_are_right_or_refused(mass2, coupling):
    """Truth: sinc functions on a fine grid (Colbert and Miller 1992), an infinite matrix of another kind."""
    edge = math.sqrt(-mass2 / (4 * coupling)) + 6 * (-2 * mass2) ** -0.25 + 2
    x = torch.linspace(-edge, edge, 801, dtype=torch.float64)
    k = (torch.arange(801)[:, None] - torch.arange(801)).double()
    kinetic = torch.where(k == 0, math.pi**2 / 3, 2 * (1 - 2.0 * (k % 2)) / k.square().clamp_min(1)) / 2
    H = kinetic / (x[1] - x[0]) ** 2 + torch.diag(mass2 * x**2 / 2 + coupling * x**4)
    truth = torch.linalg.eigvalsh(H)[:4]
    found = oscillator.levels(4, mass2=mass2, coupling=coupling)
    assert torch.allclose(found, truth, rtol=0, atol=1e-12 * H.abs().max().item())
    with pytest.raises(ValueError, match="so deep a double well takes 671 states"):
        oscillator.levels(4, mass2=-300.0, coupling=1.0)


def test_too_fine_a_lattice_is_refused_before_it_is_built():
    with pytest.raises(ValueError, match="near the continuum"):
        oscillator.lattice_gap(1e-7, mass2=1.0, coupling=1.0)
