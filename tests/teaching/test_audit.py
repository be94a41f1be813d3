"""The audit of a reader's own loss."""

from pathlib import Path

import pytest
import torch

import course_lib
from course_lib import losses
from course_lib.authoring.loss_card import signatures
from course_lib.losses import gaussian_kl
from course_lib.teaching.equation_tests import EquationTests, find, names, register


@pytest.mark.parametrize("like", names())
def test_the_library_passes_its_own_equation_tests(like):
    report = course_lib.audit(getattr(losses, like), like=like)
    assert report.passed, repr(report)


@pytest.mark.parametrize(
    ("wrong", "test", "detail"),
    [
        (lambda a, b, c, d: gaussian_kl(c, d, a, b), "value", "exchanged"),
        (lambda a, b, c, d: -gaussian_kl(a, b, c, d), "never negative", "lowest value"),
        (lambda a, b, c, d: gaussian_kl(a, 2 * b, c, 2 * d), "value", "log standard deviations"),
        (lambda a, b, c, d: gaussian_kl(a, b, c, d) / 2, "value", "mean over latent dimensions"),
        (lambda a, b, c, d: gaussian_kl(a, b, c, d).mean(), "one value per sample", "mean over the batch"),
        (lambda a, b, c, d: gaussian_kl(a - a.mean(0), b, c, d), "samples do not mix", "in its batch"),
        (lambda a, b, c, d: gaussian_kl(a, b, c, d).detach(), "gradient", "no gradient"),
        (lambda a, b, c, d: gaussian_kl(a.detach(), b, c, d), "gradient", "finite differences"),
        (lambda a, b, c, d: gaussian_kl(a.double(), b.double(), c.double(), d.double()), "single precision", "float64"),
        (lambda a, b, c, d: gaussian_kl(a, b, c, d) + 1, "zero where it must be", "the value is 1"),
        (lambda a, b, c, d: gaussian_kl(a, b, c, d) + 0 * b.exp().pow(40).sum(-1), "extreme: log-variance 20", "nan"),
        (lambda a, b, c, d: 1 / 0, "value", "raises ZeroDivisionError"),
        (lambda a, b, c, d: None, "one value per sample", "returned None"),
    ],
)
def test_faults_are_found_and_named(wrong, test, detail):
    report = course_lib.audit(wrong, like="gaussian_kl")
    found = {finding.test: finding for finding in report.findings}
    assert not report.passed
    assert not found[test].passed
    assert detail in found[test].detail


def test_the_report_reads_well():
    def my_kl(mu_q, log_var_q, mu_p, log_var_p):
        return gaussian_kl(mu_q, log_var_q, mu_p, log_var_p)

    report = course_lib.audit(my_kl, like="gaussian_kl")
    assert repr(report).startswith("my_kl passes every test of gaussian_kl")
    assert "| value | passed | 20 draws agree with Gauss-Hermite" in report._repr_markdown_()


def test_bad_calls_are_refused():
    with pytest.raises(ValueError, match="did you mean 'gaussian_kl'"):
        course_lib.audit(gaussian_kl, like="gausian_kl")
    with pytest.raises(TypeError, match="must be a function"):
        course_lib.audit(3, like="gaussian_kl")
    with pytest.raises(ValueError, match="already"):
        register(find("gaussian_kl"))
    with pytest.raises(AttributeError, match="nothing"):
        _ = course_lib.nothing


def test_import_is_light_and_audit_is_lazy():
    import subprocess
    import sys

    code = "import sys, course_lib; assert 'torch' not in sys.modules; print(course_lib.__version__)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b"0.1.0"


def test_references_are_independent_of_the_library():
    tests = find("gaussian_kl")
    assert isinstance(tests, EquationTests)
    inputs = tests.draw(torch.Generator().manual_seed(0))
    normal = torch.distributions.Normal
    kl = torch.distributions.kl_divergence(
        normal(inputs[0], (0.5 * inputs[1]).exp()), normal(inputs[2], (0.5 * inputs[3]).exp())
    )
    assert torch.allclose(tests.reference(*inputs), kl.sum(-1), rtol=1e-9)


@pytest.mark.parametrize("like", names())
def test_known_slips_are_named(like):
    tests = find(like)
    for says, wrong in tests.slips.items():
        found = {finding.test: finding for finding in course_lib.audit(wrong, like=like).findings}
        assert says in found["value"].detail, (says, found["value"])


def test_every_public_loss_has_equation_tests():
    assert set(names()) >= set(signatures(Path(losses.__file__).parent))
