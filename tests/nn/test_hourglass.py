"""Hourglasses: parameters by a second count, shapes, the pre-activation order, refusals."""

import pytest
import torch
from torch import nn

from course_lib.nn.hourglass import Hourglass, Residual, lin, residuals
from course_lib.training import generator, seeded


def count(module):
    return sum(p.numel() for p in module.parameters())


def of_residual(a, b):
    """BN-1x1, BN-3x3, BN-1x1 and a 1x1 detour where the widths differ, counted by hand."""
    h = b // 2
    body = 2 * a + (a * h + h) + 2 * h + (9 * h * h + h) + 2 * h + (h * b + b)
    return body + (a * b + b if a != b else 0)


@pytest.mark.parametrize(("a", "b"), [(64, 128), (128, 128), (128, 256), (256, 256), (384, 512), (512, 512), (3, 8)])
def test_a_residual_has_the_parameters_of_its_layers(a, b):
    assert count(Residual(a, b)) == of_residual(a, b)


@pytest.mark.parametrize(
    ("depth", "a", "b", "width"),
    [(4, 256, 256, 256), (4, 256, 512, 256), (4, 384, 512, 512), (1, 8, 8, 8), (2, 8, 16, 8)],
)
def test_an_hourglass_has_the_parameters_of_its_residuals(depth, a, b, width):
    net = Hourglass(depth, a, b, width=width)
    want, entering = 0, a
    for level in range(depth):
        detour = [(entering, width), (width, width), (width, b)]
        down = [(entering, width), (width, width), (width, width)]
        want += sum(of_residual(*one) for one in (*detour, *down, (b, b)))
        entering = width
        if level == depth - 1:
            want += of_residual(width, b)
    assert count(net) == want


@pytest.mark.parametrize("size", [(64, 64), (32, 48), (16, 16)])
def test_features_keep_their_size(size):
    with seeded(0):
        net = Hourglass(4, 8, 16, width=8, modules=1)
    assert net(torch.randn(2, 8, *size)).shape == (2, 16, *size)


def test_the_smallest_features_have_a_sixteenth_of_the_size():
    net = Hourglass(4, 4, modules=1)
    seen = []
    inner = net
    while isinstance(inner, Hourglass):
        inner = inner.inner
    inner.register_forward_hook(lambda module, inputs, output: seen.append(tuple(output.shape)))
    net(torch.zeros(1, 4, 64, 64))
    assert seen == [(1, 4, 4, 4)]


def test_every_pixel_hears_of_every_other():
    with seeded(0):
        net = Hourglass(4, 16, modules=1).eval()
    x = torch.randn(1, 16, 32, 32, generator=generator(0), requires_grad=True)
    net(x)[0, :, 0, 0].sum().backward()
    assert x.grad[0, :, 31, 31].abs().max() > 0  # the far corner, through the bottom


def test_a_residual_is_pre_activated_and_its_detour_bare():
    block = Residual(4, 8)
    leaves = [one for one in block.modules() if not list(one.children()) and one is not block.detour]
    assert [type(one) for one in leaves if not isinstance(one, nn.ReLU)] == [nn.BatchNorm2d, nn.Conv2d] * 3
    assert isinstance(block.detour, nn.Conv2d)
    assert block.detour.kernel_size == (1, 1)
    assert isinstance(Residual(8, 8).detour, nn.Identity)
    with torch.no_grad():
        for layer in leaves:
            if isinstance(layer, nn.Conv2d):
                layer.weight.zero_()
                layer.bias.zero_()
    x = torch.randn(2, 4, 5, 5)
    torch.testing.assert_close(block(x.clone()), block.detour(x))  # nothing but the detour


def test_the_input_of_a_residual_is_left_as_it_is():
    x = torch.randn(2, 8, 4, 4)
    kept = x.clone()
    Residual(8, 8)(x)
    assert torch.equal(x, kept)  # ReLU works in place, on the normalised copy only


def test_gradients_reach_every_weight():
    with seeded(0):
        net = Hourglass(2, 4, 6, width=4, modules=2)
    net(torch.randn(2, 4, 8, 8)).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_a_linear_block_sees_one_cell_at_a_time():
    block = lin(3, 5).eval()
    x = torch.randn(1, 3, 4, 4)
    y = block(x)
    x[0, :, 0, 0] += 1
    changed = (block(x) != y).any(1)[0]
    assert y.shape == (1, 5, 4, 4)
    assert not changed.flatten()[1:].any()


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match=r"`outputs` \(=7\) must be even"):
        Residual(4, 7)
    with pytest.raises(ValueError, match=r"`depth` \(=0\)"):
        Hourglass(0, 8)
    with pytest.raises(ValueError, match=r"multiples of 16"):
        Hourglass(4, 4, modules=1)(torch.zeros(1, 4, 24, 32))
    with pytest.raises(ValueError, match=r"`count` \(=0\)"):
        residuals(0, 4, 4, 4)
