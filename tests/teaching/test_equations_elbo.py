"""Audits of ELBO losses as readers write them: right ones pass, the classic wrong ones fail with a telling reason."""

import math

import pytest
import torch

import course_lib

LOG_2PI = math.log(2 * math.pi)


def standard_normal_kl(mu, log_var):
    return -0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(1)


def gaussian_kl(mu_q, log_var_q, mu_p, log_var_p):
    ratio = (log_var_q - log_var_p).exp()
    return 0.5 * (log_var_p - log_var_q + ratio + (mu_q - mu_p) ** 2 / log_var_p.exp() - 1).sum(1)


def full_gaussian_kl(mu_q, tril_q, mu_p, tril_p):
    cov_q, cov_p = tril_q @ tril_q.mT, tril_p @ tril_p.mT
    inverse, shift = torch.linalg.inv(cov_p), (mu_p - mu_q)[..., None]
    trace = (inverse @ cov_q).diagonal(dim1=-2, dim2=-1).sum(-1)
    quadratic = (shift.mT @ inverse @ shift)[:, 0, 0]
    return 0.5 * (trace + quadratic - mu_q.shape[1] + torch.logdet(cov_p) - torch.logdet(cov_q))


def bernoulli_log_likelihood(x, logits):
    return (x * logits - torch.nn.functional.softplus(logits)).flatten(1).sum(1)


def gaussian_log_likelihood(x, mu, log_var):
    return -0.5 * (LOG_2PI + log_var + (x - mu) ** 2 / torch.exp(log_var)).flatten(1).sum(1)


def importance_weighted_bound(log_weights):
    top = log_weights.max(0).values
    return top + (log_weights - top).exp().mean(0).log()


def elbo(log_likelihood, kl, beta):
    return log_likelihood - beta * kl


RIGHT = [
    standard_normal_kl,
    gaussian_kl,
    full_gaussian_kl,
    bernoulli_log_likelihood,
    gaussian_log_likelihood,
    importance_weighted_bound,
    elbo,
]


@pytest.mark.parametrize("mine", RIGHT, ids=lambda f: f.__name__)
def test_right_ones_pass(mine):
    report = course_lib.audit(mine, like=mine.__name__)
    assert report.passed, repr(report)
    assert report.summary == f"{mine.__name__} passes every test of {mine.__name__}"


WRONG = {
    "log-sd read as log-var": (
        "standard_normal_kl",
        lambda mu, log_var: -0.5 * (1 + 2 * log_var - mu**2 - (2 * log_var).exp()).sum(1),
        "value",
        "log standard deviations",
    ),
    "mean over the code": (
        "standard_normal_kl",
        lambda mu, log_var: standard_normal_kl(mu, log_var) / mu.shape[1],
        "value",
        "mean over latent dimensions",
    ),
    "mean over the batch": (
        "standard_normal_kl",
        lambda mu, log_var: standard_normal_kl(mu, log_var).mean(),
        "one value per sample",
        "mean over the batch",
    ),
    "KL(p, q)": (
        "standard_normal_kl",
        lambda mu, log_var: gaussian_kl(0 * mu, 0 * mu, mu, log_var),
        "value",
        "exchanged",
    ),
    "sign of Appendix B": (
        "standard_normal_kl",
        lambda mu, log_var: -standard_normal_kl(mu, log_var),
        "never negative",
        "lowest value",
    ),
    "standard deviation through a logarithm of exp": (
        "standard_normal_kl",
        lambda mu, log_var: 0.5 * (log_var.exp() - (log_var.float().exp() - 1 + 1).log().double() - 1 + mu**2).sum(1),
        "extreme: log-variance -20",
        "inf",
    ),
    "swapped arguments": (
        "full_gaussian_kl",
        lambda mu_q, tril_q, mu_p, tril_p: full_gaussian_kl(mu_p, tril_p, mu_q, tril_q),
        "value",
        "exchanged",
    ),
    "root of the factor": (
        "full_gaussian_kl",
        lambda mu_q, tril_q, mu_p, tril_p: full_gaussian_kl(mu_q, tril_q.abs().sqrt(), mu_p, tril_p.abs().sqrt()),
        "value",
        "right",
    ),
    "log(1 + exp)": (
        "bernoulli_log_likelihood",
        lambda x, a: (x * a - (1 + a.exp()).log()).flatten(1).sum(1),
        "extreme: logits 1000, pixels 0",
        "the value is -inf",
    ),
    "log of sigmoid": (
        "bernoulli_log_likelihood",
        lambda x, a: (x * a.sigmoid().log() + (1 - x) * (1 - a.sigmoid()).log()).flatten(1).sum(1),
        "extreme: logits 1000, pixels 0",
        "the value is",
    ),
    "mean over pixels": (
        "bernoulli_log_likelihood",
        lambda x, a: bernoulli_log_likelihood(x, a) / x[0].numel(),
        "value",
        "mean over pixels",
    ),
    "cross-entropy": (
        "bernoulli_log_likelihood",
        lambda x, a: -bernoulli_log_likelihood(x, a),
        "value",
        "sign is that of the cross-entropy",
    ),
    "missing constant": (
        "gaussian_log_likelihood",
        lambda x, mu, log_var: -0.5 * (log_var + (x - mu) ** 2 / log_var.exp()).flatten(1).sum(1),
        "value",
        "constant -1/2 log(2 pi) a dimension is missing",
    ),
    "mean squared error": (
        "gaussian_log_likelihood",
        lambda x, mu, log_var: gaussian_log_likelihood(x, mu, log_var) / x[0].numel(),
        "value",
        "mean over dimensions",
    ),
    "missing -log k": (
        "importance_weighted_bound",
        lambda log_weights: log_weights.logsumexp(0),
        "value",
        "-log K is missing",
    ),
    "mean outside the logarithm": (
        "importance_weighted_bound",
        lambda log_weights: log_weights.mean(0),
        "value",
        "the mean belongs inside",
    ),
    "weights without a shift": (
        "importance_weighted_bound",
        lambda log_weights: log_weights.exp().mean(0).log(),
        "extreme: log-weights -2000",
        "the value is -inf",
    ),
    "shift over the batch": (
        "importance_weighted_bound",
        lambda log_weights: (log_weights - log_weights.mean()).exp().mean(0).log(),
        "samples do not mix",
        "in its batch",
    ),
    "divergence added": ("elbo", lambda ll, kl, beta: ll + beta * kl, "value", "the bound subtracts it"),
    "the loss": ("elbo", lambda ll, kl, beta: beta * kl - ll, "value", "this is minus the bound"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_ones_fail_with_the_reason(name):
    like, wrong, test, reason = WRONG[name]
    report = course_lib.audit(wrong, like=like)
    found = {finding.test: finding for finding in report.findings}
    assert not report.passed
    assert not found[test].passed, repr(report)
    assert reason in found[test].detail, repr(report)
