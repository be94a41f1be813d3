"""Runtime, explicit randomness and the shards of several processes."""

import json
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from course_lib.training import Runtime, generator, noise_like, seeded
from course_lib.training import runtime as runtime_module
from course_lib.training.shards import Shards, shard


@pytest.fixture(autouse=True)
def leave_settings_as_they_were():
    precision, threads = torch.get_float32_matmul_precision(), torch.get_num_threads()
    yield
    torch.set_float32_matmul_precision(precision)
    torch.set_num_threads(threads)


def test_auto_on_a_cpu():
    rt = Runtime.auto("cpu", threads=1)
    assert rt.device == torch.device("cpu")
    assert rt.name == "cpu, 1 thread"
    assert (rt.precision, rt.rank, rt.world_size, rt.is_main) == ("fp32", 0, 1, True)
    assert Runtime.auto("cpu", threads=2).name == "cpu, 2 threads"


def test_describe_goes_into_json():
    described = json.loads(json.dumps(Runtime.auto("cpu", threads=1).describe()))
    assert described["device"] == "cpu, 1 thread"
    assert described["versions"]["torch"] == torch.__version__
    assert described["matmul"] in ("medium", "highest")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"precision": "fp16"}, r"precision \(='fp16'\) must be"),
        ({"threads": 0}, r"threads \(=0\) must be at least 1"),
        ({"device": "toaster"}, r"device \(='toaster'\) is not a PyTorch device"),
        ({"device": "cuda:64"}, r"device \(='cuda:64'\) is not available: PyTorch sees \d+ GPUs; use 'cpu'"),
    ],
)
def test_what_the_machine_lacks_is_refused(options, sentence, request):
    call = Runtime.auto.__func__
    call = getattr(call, "__wrapped__", call)  # the sentence is the library's own, not the type checker's
    with pytest.raises(ValueError, match=sentence):
        call(Runtime, **options)


def test_bf16_is_refused_without_hardware(monkeypatch):
    monkeypatch.setattr(runtime_module, "_has_bf16", lambda device: False)
    with pytest.raises(ValueError, match=r"precision \(='bf16'\) is not offered by cpu"):
        Runtime.auto("cpu", precision="bf16")


def test_bf16_autocast(monkeypatch):
    monkeypatch.setattr(runtime_module, "_has_bf16", lambda device: True)
    net, x = nn.Linear(4, 4), torch.ones(2, 4)
    with Runtime.auto("cpu", precision="bf16").autocast():
        assert net(x).dtype == torch.bfloat16
    with Runtime.auto("cpu").autocast():
        assert net(x).dtype == torch.float32


def test_medium_is_kept_only_where_it_is_exact(monkeypatch):
    a, b = torch.randn(2, 200, 200, dtype=torch.float64, generator=generator(1))
    rt = Runtime.auto("cpu")
    assert torch.get_float32_matmul_precision() == rt.matmul
    error = (a.float() @ b.float()).double() - a.float().double() @ b.float().double()
    assert error.pow(2).mean().sqrt() < 1e-5 * (a @ b).std()
    monkeypatch.setattr(runtime_module, "_medium_is_exact", lambda device: False)
    assert Runtime.auto("cpu").matmul == "highest"
    assert torch.get_float32_matmul_precision() == "highest"


def test_prepare_lays_convolutions_out_as_channels_last():
    rt = Runtime.auto("cpu")
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8, 2))
    assert rt.prepare(net) is net
    assert net[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_one_step_with_fused_adam():
    rt = Runtime.auto("cpu")
    net = rt.prepare(nn.Linear(4, 1))
    opt = rt.adam(net.parameters(), 0.1)
    assert opt.defaults["fused"]
    before = net.weight.clone()
    rt.backward(net(torch.ones(2, 4)).mean())
    opt.step()
    assert not torch.equal(before, net.weight)


def test_seeded_leaves_the_global_state_alone():
    torch.manual_seed(4)
    expected = torch.randn(3)
    torch.manual_seed(4)
    with seeded(7):
        first = nn.Linear(3, 3).weight
    assert torch.equal(torch.randn(3), expected)
    with seeded(7):
        assert torch.equal(nn.Linear(3, 3).weight, first)


def test_noise_alone_is_plain_noise():
    x = torch.zeros(4, 3, dtype=torch.float64)
    noise = noise_like(x, gen=generator(3))
    assert noise.dtype == torch.float64
    assert torch.equal(noise, torch.randn(4, 3, generator=generator(3), dtype=torch.float64))


def test_noise_of_two_processes_is_that_of_one(monkeypatch):
    whole = noise_like(torch.zeros(2, 6, 3), gen=generator(3), dim=1)
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: 2)
    halves = []
    for rank in range(2):
        monkeypatch.setattr("torch.distributed.get_rank", lambda rank=rank: rank)
        halves.append(noise_like(torch.zeros(2, 3, 3), gen=generator(3), dim=1))
    assert torch.equal(torch.cat(halves, 1), whole)


@dataclass(frozen=True)
class Pair:
    images: torch.Tensor
    labels: torch.Tensor | None


def test_shards_of_every_kind_of_batch():
    x = torch.arange(6)
    assert torch.equal(shard(x, 1, 3), torch.tensor([2, 3]))
    pair = shard(Pair(x, None), 0, 2)
    assert torch.equal(pair.images, torch.tensor([0, 1, 2]))
    assert pair.labels is None
    assert torch.equal(shard((x, {"y": x}), 1, 2)[1]["y"], torch.tensor([3, 4, 5]))
    assert [b.tolist() for b in Shards([x, x + 6], 1, 2)] == [[3, 4, 5], [9, 10, 11]]
    with pytest.raises(ValueError, match=r"batch size \(=6\) must be a multiple of the number of processes \(=4\)"):
        shard(x, 0, 4)
