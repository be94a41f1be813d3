"""Frozen networks pass gradients on and collect none."""

import pytest
import torch
from torch import nn

from course_lib.nn.frozen import frozen


def test_gradients_pass_through_but_none_is_stored():
    front, back = nn.Linear(3, 3), nn.Linear(3, 1)
    with frozen(back):
        value = back(front(torch.ones(2, 3))).sum()
    value.backward()
    assert all(p.grad is None for p in back.parameters())
    assert all(p.grad is not None for p in front.parameters())
    assert all(p.requires_grad for p in back.parameters())


def test_each_weight_gets_its_own_flag_back_also_after_an_error():
    net = nn.Linear(2, 2)
    net.bias.requires_grad_(False)
    with frozen(net), frozen(net):
        assert not net.weight.requires_grad
    with pytest.raises(RuntimeError, match="shapes"), frozen(net):
        net(torch.ones(3, 3))
    assert net.weight.requires_grad
    assert not net.bias.requires_grad


def test_several_networks_at_once():
    nets = nn.Linear(2, 2), nn.Linear(2, 2)
    with frozen(*nets):
        assert not any(p.requires_grad for net in nets for p in net.parameters())
    assert all(p.requires_grad for net in nets for p in net.parameters())
