"""Audits of rank losses as readers write them: right ones pass, the classic wrong ones fail with the reason."""

import math

import pytest
import torch
from torch.nn import functional as F

import course_lib


def upper(depth):
    first, second = torch.triu_indices(depth.shape[1], depth.shape[1], 1)
    return first, second, depth[:, first] - depth[:, second]


def ranking_loss(depth, order):
    first, second, gap = upper(depth)
    relation = order[:, first, second]
    known = ~relation.isnan()
    relation = relation.nan_to_num()
    terms = torch.where(relation == 0, gap**2, F.softplus(relation * gap))
    return torch.where(known, terms, 0.0).sum(1)


def overflowing(depth, order):
    first, second, gap = upper(depth)
    relation = order[:, first, second].nan_to_num()
    terms = torch.where(relation == 0, gap**2, torch.log(1 + torch.exp(relation * gap)))
    return torch.where(order[:, first, second].isnan(), 0.0, terms).sum(1)


def poisoned(depth, order):
    first, second, gap = upper(depth)
    relation = order[:, first, second]
    strict = relation.abs()
    return ((F.softplus(relation * gap) * strict + gap**2 * (1 - strict)) * (~relation.isnan())).sum(1)


def test_a_right_one_passes():
    report = course_lib.audit(ranking_loss, like="ranking_loss")
    assert report.passed, repr(report)


WRONG = {
    "the file's sign": (lambda d, o: ranking_loss(d, -o), "value", "the sign is that of the published files"),
    "every pair twice": (lambda d, o: 2 * ranking_loss(d, o), "value", "each pair counts twice"),
    "ties for what nobody said": (lambda d, o: ranking_loss(d, o.nan_to_num()), "value", "missing relations are read"),
    "log(1 + exp)": (overflowing, "extreme: gaps of 10,000, all wrong", "the value is inf"),
    "NaN times zero": (poisoned, "value", "NaN"),
    "mean over the batch": (lambda d, o: ranking_loss(d, o).mean(), "one value per sample", "mean over the batch"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_ones_fail_with_the_reason(name):
    wrong, test, reason = WRONG[name]
    found = {finding.test: finding for finding in course_lib.audit(wrong, like="ranking_loss").findings}
    assert not found[test].passed
    assert reason in found[test].detail, found[test]


def test_lists_of_pairs_are_audited_too():
    def mine(depth, first, second, relation):
        gap = depth.gather(1, first) - depth.gather(1, second)
        clean = relation.nan_to_num()
        terms = torch.where(clean == 0, gap**2, F.softplus(clean * gap))
        return (terms * ~relation.isnan()).sum(1)

    assert course_lib.audit(mine, like="pair_ranking_loss").passed
    assert not course_lib.audit(lambda *given: mine(*given) / math.log(2), like="pair_ranking_loss").passed
