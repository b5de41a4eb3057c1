"""Loss, optimiser and steps of a training."""

import copy
import itertools

import pytest
import torch
from conftest import photograph
from torch import Tensor

from superscaling.models import Architecture
from training.crops import Batches, cell_edge
from training.errors import TrainingError
from training.network import PlainNetwork
from training.optimiser import Optimiser, orthogonal
from training.rdn import ResidualDenseNetwork
from training.running import Schedule
from training.stepping import ENOUGH, Training, levels_of, psnr_loss

PATCH = 16


def batches(patch: int = PATCH) -> Batches:
    cells = [torch.from_numpy(photograph(cell_edge(patch), cell_edge(patch), seed)) for seed in range(3)]
    return Batches(torch.stack(cells).permute(0, 3, 1, 2), None, batch=4, patch=patch, drawn=0)


@pytest.mark.parametrize("error", [1, 4, 20])
def test_the_loss_is_told_in_levels(error: int) -> None:
    """Of an error that is the same everywhere."""
    target = torch.full((2, 3, 16, 16), 100 / 255)
    loss = float(psnr_loss(target + error / 255, target))
    assert levels_of(loss) == pytest.approx(error, rel=0.4 if error == 1 else 0.03)


def test_twice_the_error_costs_the_same() -> None:
    """However large it was; an exact patch costs no less than `ENOUGH`."""
    target = torch.full((1, 3, 8, 8), 100 / 255)
    losses = [float(psnr_loss(target + error / 255, target)) for error in (5, 10, 20, 40)]
    assert [after - before for before, after in itertools.pairwise(losses)] == pytest.approx([0.0602] * 3, abs=1e-3)
    assert float(psnr_loss(target, target)) == pytest.approx(-ENOUGH / 100, abs=1e-4)


@pytest.mark.parametrize(("rows", "columns"), [(8, 72), (64, 16), (5, 5)])
def test_orthogonal_matrices(rows: int, columns: int) -> None:
    torch.manual_seed(0)
    matrices = orthogonal(torch.randn(3, rows, columns) ** 3)
    assert matrices.shape == (3, rows, columns)
    values = torch.linalg.svdvals(matrices)
    assert values[:, : min(rows, columns) * 3 // 4].min() > 0.6
    assert values.max() < 1.3


@pytest.mark.parametrize(
    "network",
    [PlainNetwork(2, 8), ResidualDenseNetwork(Architecture(2, 2, 8, 8, 2, "shuffle"))],
    ids=["plain", "residual dense"],
)
def test_a_step_moves_every_parameter_by_its_rule(network: PlainNetwork | ResidualDenseNetwork) -> None:
    """Muon moves all directions of a kernel alike, and its elements as far as Adam does."""
    torch.manual_seed(0)
    optimiser = Optimiser(network)
    before = copy.deepcopy(network)
    optimiser.rate.fill_(0.01)
    optimiser.decay.fill_(0.5)
    for each in network.parameters():
        each.grad = torch.randn_like(each).sign() * (0.1 + torch.rand_like(each))
    optimiser.step()
    hidden = {id(each) for each in network.hidden_kernels()}
    for number, (name, each) in enumerate(network.named_parameters()):
        move = (each - before.get_parameter(name)).detach()
        assert torch.allclose(optimiser.average[number], (each + before.get_parameter(name)) / 2, atol=1e-6)
        if id(each) not in hidden:
            assert torch.allclose(move.abs(), torch.full_like(move, 0.01), rtol=0.01), name
            continue
        values = torch.linalg.svdvals(move.flatten(1))
        assert values.max() / values.min() < 3, name
        assert float(move.square().mean().sqrt()) == pytest.approx(0.2 * 0.01, rel=0.3), name


def trained(training: Training, steps: int) -> list[Tensor]:
    for _ in range(steps):
        training.step(1e-3)
    return [each.detach().clone() for each in training.network.parameters()]


def test_the_loss_sinks() -> None:
    torch.manual_seed(0)
    training = Training(PlainNetwork(2, 8), [batches()], average=0.9, compiled=False, bf16=False)
    reports = []
    for _ in range(3):
        trained(training, 15)
        reports.append(float(training.report(15).removesuffix(" levels")))
    assert reports[2] < reports[0]


def test_a_warm_up_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """But what is compiled: here, nothing, because compilers take minutes."""
    monkeypatch.setattr(torch, "compile", lambda function, dynamic: function)
    training = Training(PlainNetwork(1, 8), [batches(), batches(32)], average=0.9, compiled=True, bf16=False)
    before = copy.deepcopy(training.network)
    training.warm_up()
    assert training.steps == 0
    for kept in training.optimiser.moments().values():
        assert not any(each.any() for each in kept)
    parameters = [*before.parameters()]
    for own, average, each in zip(training.network.parameters(), training.optimiser.average, parameters, strict=True):
        assert torch.equal(own, each)
        assert torch.equal(average, each)
    training.step(1e-3)
    training.report(1)


def test_phases_share_the_network() -> None:
    training = Training(PlainNetwork(1, 8), [batches(), batches(32)], average=0.9, compiled=False, bf16=True)
    before = trained(training, 1)
    training.step(1e-3, phase=1)
    assert all(not torch.equal(one, other) for one, other in zip(before, training.network.parameters(), strict=True))


def test_a_taught_network_nears_its_teacher() -> None:
    """With the whole loss from the teacher, whose pictures are darker than any original."""
    torch.manual_seed(0)
    teacher = PlainNetwork(1, 8)
    teacher.skip.weight.data.mul_(0.5)
    network = PlainNetwork(1, 8)
    training = Training(network, [batches()], 0.9, compiled=False, bf16=False, teacher=teacher, taught=1.0)
    low = torch.full((1, 3, 8, 8), 0.8)
    for _ in range(80):
        training.step(1e-2)
    with torch.no_grad():
        assert float(network(low).mean()) == pytest.approx(0.4, abs=0.1)
    assert not any(each.grad is not None for each in teacher.parameters())


def test_a_training_that_diverged_says_so() -> None:
    training = Training(PlainNetwork(1, 8), [batches()], average=0.9, compiled=False, bf16=False)
    training.network.tail.bias.data.fill_(float("nan"))
    training.step(1e-3)
    with pytest.raises(TrainingError, match="try a lower --rate"):
        training.report(1)


def test_the_schedule() -> None:
    schedule = Schedule(minutes=None, steps=100, rate=1.0, warm=10, end=0.25)
    assert schedule.rate_at(0, 0) == pytest.approx(0.1)
    assert schedule.rate_at(50, 0.5) == pytest.approx(0.5)
    assert schedule.rate_at(100, 1) == pytest.approx(0)
    assert [schedule.phase_at(done) for done in (0, 0.74, 0.75, 0.99)] == [0, 0, 1, 1]
    assert Schedule(minutes=2, steps=None, rate=1, warm=1).done(7, 60) == 0.5
