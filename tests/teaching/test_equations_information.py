"""Audits of information losses as readers write them: right ones pass, the classic wrong ones fail with the reason."""

import math

import pytest
import torch
import torch.nn.functional as F

import course_lib


def categorical_log_likelihood(code, logits):
    return -F.cross_entropy(logits, code, reduction="none")


def info_nce(scores):
    n = len(scores)
    return math.log(n) - F.cross_entropy(scores, torch.arange(n), reduction="none")


def donsker_varadhan(joint, product):
    return joint.mean() - product.logsumexp(0) + math.log(len(product))


def nwj(joint, product):
    return joint.mean() - (product - 1).exp().mean()


def paired_mutual_information(logits_a, logits_b):
    joint = torch.einsum("bi,bj->ij", logits_a.softmax(1), logits_b.softmax(1)) / len(logits_a)
    entropy = [-torch.special.xlogy(p, p.clamp_min(1e-300)).sum() for p in (joint.sum(1), joint.sum(0), joint)]
    return entropy[0] + entropy[1] - entropy[2]


@pytest.mark.parametrize(
    "mine", [categorical_log_likelihood, info_nce, donsker_varadhan, nwj, paired_mutual_information],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_right_ones_pass(mine):
    report = course_lib.audit(mine, like=mine.__name__)
    assert report.passed, repr(report)


WRONG = {
    "softmax twice": (
        "categorical_log_likelihood",
        lambda code, logits: categorical_log_likelihood(code, logits.softmax(1)),
        "value",
        "softmax is applied twice",
    ),
    "log of softmax": (
        "categorical_log_likelihood",
        lambda code, logits: (code * logits.softmax(1).log()).sum(1),
        "extreme: logits 1000, wrong class",
        "the value is",
    ),
    "mean over the batch": (
        "categorical_log_likelihood",
        lambda code, logits: -F.cross_entropy(logits, code),
        "one value per sample",
        "mean over the batch",
    ),
    "exponentials without a shift": (
        "donsker_varadhan",
        lambda joint, product: joint.mean() - product.exp().mean().log(),
        "extreme: equal scores of 1000",
        "the value is -inf",
    ),
    "no log n": ("info_nce", lambda scores: info_nce(scores) - math.log(len(scores)), "value", "log n is missing"),
    "DV for NWJ": ("nwj", donsker_varadhan, "value", "NWJ has no logarithm"),
    "columns": ("info_nce", lambda scores: info_nce(scores.T), "value", "candidates stand in the columns"),
    "detached": ("nwj", lambda joint, product: nwj(joint, product).detach(), "gradient", "no gradient"),
    "one number too many": ("nwj", lambda joint, product: joint - (product - 1).exp().mean(), "shape", "wrong shape"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_ones_fail_with_the_reason(name):
    like, wrong, test, reason = WRONG[name]
    found = {finding.test: finding for finding in course_lib.audit(wrong, like=like).findings}
    assert not found[test].passed
    assert reason in found[test].detail, found[test]


def test_a_statistic_of_the_batch_is_not_asked_for_independent_samples():
    tests = {finding.test for finding in course_lib.audit(nwj, like="nwj").findings}
    assert "samples do not mix" not in tests
    assert "shape" in tests
