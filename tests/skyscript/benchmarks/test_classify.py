"""Zero-shot accuracy on sets whose answers are known."""

import numpy as np
import pytest

from skyscript.benchmarks import accuracy, zero_shot
from skyscript.clip.source import ClipConfig, find_clip

torch = pytest.importorskip("torch")
pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

from skyscript.benchmarks.classify import judge, logits  # noqa: E402
from skyscript.clip.model import evaluating, load_clip  # noqa: E402
from tests.skyscript.benchmarks.made_benchmarks import RIGHT, knowing, made  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def test_a_set_with_known_answers(tmp_path):
    benchmark = made(tmp_path, [*RIGHT, ("red", "green"), ("blue", "white"), ("red", "red")])
    found = zero_shot(knowing(4), benchmark, tmp_path)
    assert (found.count, found.top1) == (7, 5 / 7)
    assert [found.images.classes[i] for i in found.predicted] == [
        "red", "green", "blue", "white", "red", "blue", "red"
    ]  # fmt: skip
    assert found.true_rank[0] == 1
    assert found.true_rank[4] > 1
    assert found.images.paths[4] == "nwpu/images/4.png"


def test_with_fewer_than_five_classes_all_are_among_the_first_five(tmp_path):
    benchmark = made(tmp_path, [("red", "green"), *RIGHT])
    found = zero_shot(knowing(), benchmark, tmp_path)
    assert found.top5 == 1.0


def test_accuracy_is_a_plain_number_on_any_numpy():
    """float() of a one-element array, which others use, raises from numpy 2.4 on."""
    assert accuracy(np.array([1]), 1) == 1.0
    assert type(accuracy(np.array([1, 2, 6, 5]), 5)) is float
    assert accuracy(np.array([1, 2, 6, 5]), 5) == 0.75


def test_half_precision_makes_ties_and_they_are_named():
    """Near 24, fp16 knows steps of 1/64: two classes as near as that are one."""
    image = torch.tensor([[1.0, 0.0]])
    near = [0.24000, 0.24002, 0.23000]
    weights = torch.tensor([near, [(1 - c * c) ** 0.5 for c in near]])
    for true, place, original in ((0, 2, 1), (1, 1, 2), (2, 3, 3)):
        labels = np.array([true])
        exact = judge(logits(image, weights, "fp32"), labels)
        half = judge(logits(image, weights, "amp"), labels)
        assert exact[0].tolist() == [1]
        assert half[0].tolist() == [0]  # the first of the two, always
        assert exact[2].tolist() == [place]
        assert half[2].tolist() == [original]
        assert not exact[3].any()
        assert half[3].tolist() == [true != 2]


def test_half_precision_is_what_cuda_hands_on():
    draw = torch.Generator().manual_seed(0)
    images = torch.nn.functional.normalize(torch.randn(50, 64, generator=draw), dim=-1)
    weights = torch.nn.functional.normalize(torch.randn(64, 9, generator=draw), dim=0)
    found = logits(images, weights, "amp")
    exact = (100 * images).half().double() @ weights.half().double()
    assert found.dtype == torch.float16
    assert (found.double() - exact).abs().max() <= 2**-6  # one step at most, near 24


def test_ranks_share_the_images_and_all_get_the_whole(tmp_path, monkeypatch):
    benchmark = made(tmp_path, [*RIGHT, ("red", "green")])
    alone = zero_shot(knowing(), benchmark, tmp_path)
    shares = {}

    def leave(rank):
        def gather(into, share):
            shares[rank] = share
            into[:] = [shares.get(0, share), share]

        return gather

    for rank in (0, 1):
        monkeypatch.setattr("torch.distributed.all_gather_object", leave(rank))
        clip = knowing(2)
        both = zero_shot(clip, benchmark, tmp_path, rank=rank, world_size=2)
        assert clip.model.encoded == (4, 2)[rank]  # the last batch is filled up
    assert both.predicted.tolist() == alone.predicted.tolist()
    assert both.top1 == alone.top1
    assert sorted(shares[0][0].tolist() + shares[1][0].tolist()) == [0, 1, 2, 3, 4]


def test_a_model_in_training_is_evaluated_and_trains_on(tmp_path):
    benchmark = made(tmp_path, RIGHT)
    clip = knowing()
    clip.model.train()
    zero_shot(clip, benchmark, tmp_path)
    assert clip.model.training


def test_convolutions_take_no_short_cut_while_a_model_is_evaluated():
    backend, model = torch.backends.cudnn, knowing().model
    before = backend.allow_tf32, backend.enabled
    with evaluating(model):
        assert (backend.allow_tf32, backend.enabled) == (False, before[1])
    assert (backend.allow_tf32, backend.enabled) == before


@pytest.mark.gpu
def test_a_gpu_agrees_with_the_cpu_in_fp32_and_its_half_precision_is_near(tmp_path):
    source = find_clip(ClipConfig(model="tiny"))
    benchmark = made(tmp_path, RIGHT * 20)
    found = {
        (device, precision): zero_shot(
            load_clip(source, device), benchmark, tmp_path, precision=precision
        )
        for device, precision in (("cpu", "fp32"), ("cuda", "fp32"), ("cuda", "amp"))
    }
    cpu, gpu, half = found.values()
    assert np.array_equal(cpu.predicted, gpu.predicted)
    np.testing.assert_allclose(cpu.logit, gpu.logit, atol=1e-3)
    np.testing.assert_allclose(cpu.logit, half.logit, atol=0.2)
    assert np.array_equal(half.logit, half.logit.astype(np.float16))
