"""A language model behind an endpoint: retries, what is stored, what it costs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError, InputError
from skyscript.language_model import (
    Answer,
    Answers,
    LanguageModel,
    LanguageModelConfig,
    NoAnswer,
    Request,
    Session,
    ask_all,
    estimate,
    open_session,
)
from skyscript.language_model.cost import Ledger
from tests.emulators.faults import Faults
from tests.emulators.language_model import KEY, Asked, Endpoint

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(lambda asked: f"{asked.text}!") as service:
        yield service


def requests(count: int, task: str = "greet") -> list[Request]:
    return [Request(task, "Be polite.", f"hello number {n}", 50) for n in range(count)]


def ask(
    service: Endpoint, store: Path, asked: list[Request], **options: Any
) -> tuple[list[Answer | NoAnswer], Ledger]:
    config = LanguageModelConfig(**service.options(**options))
    with (
        LanguageModel(config, sleep=lambda _: None) as model,
        Answers(store) as answers,
        ThreadPoolExecutor(config.at_once) as pool,
    ):
        ledger = Ledger(config, answers.totals(model.asked_of, asked[0].task))
        return list(ask_all(asked, Session(model, answers, ledger, pool))), ledger


def texts(found: list[Answer | NoAnswer]) -> list[str]:
    return [each.text if isinstance(each, Answer) else f"({each.reason})" for each in found]


def test_answers_come_in_order_and_with_their_tokens(endpoint: Endpoint, tmp_path: Path) -> None:
    found, ledger = ask(endpoint, tmp_path / "a", requests(100), input_price=2, output_price=8)
    assert texts(found) == [f"hello number {n}!" for n in range(100)]
    cost = ledger.cost()
    assert (cost.requests, cost.input_tokens) == (100, endpoint.tokens_in)
    assert cost.output_tokens == endpoint.tokens_out
    assert cost.money == pytest.approx((2 * endpoint.tokens_in + 8 * endpoint.tokens_out) / 1e6)


def test_what_is_stored_is_not_sent_again(endpoint: Endpoint, tmp_path: Path) -> None:
    ask(endpoint, tmp_path / "a", requests(10))
    found, ledger = ask(endpoint, tmp_path / "a", requests(12))
    assert texts(found)[11] == "hello number 11!"
    assert len(endpoint.paid) == 12
    assert ledger.cost().requests == 2


def test_equal_requests_are_sent_once(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.faults.latency = 0.05
    found, _ = ask(endpoint, tmp_path / "a", requests(1) * 8)
    assert texts(found) == ["hello number 0!"] * 8
    assert len(endpoint.paid) == 1


def test_every_fault_of_the_service_is_retried(tmp_path: Path) -> None:
    faults = Faults(share=0.3, kinds=("429", "500", "503", "cut", "page", "empty"), seed=3)
    with Endpoint(lambda asked: "yes", faults) as service:
        found, _ = ask(service, tmp_path / "a", requests(60))
        assert texts(found) == ["yes"] * 60
        assert len(service.paid) == 60


def test_a_service_that_hangs_is_given_up_and_asked_again(tmp_path: Path) -> None:
    with Endpoint(lambda asked: "yes") as service:
        service.faults.planned.append("hang")
        found, _ = ask(service, tmp_path / "a", requests(3), timeout=0.3)
        assert texts(found) == ["yes"] * 3


def test_the_client_waits_as_long_as_the_service_says(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.faults.planned.append("429")
    endpoint.retry_after = "7"
    waits: list[float] = []
    config = LanguageModelConfig(**endpoint.options())
    with LanguageModel(config, sleep=waits.append) as model:
        assert model.ask(requests(1)[0]).text == "hello number 0!"
    assert waits == [7.0]


def test_a_request_that_is_refused_does_not_stop_the_others(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    endpoint.faults.planned.extend(["400"])
    found, _ = ask(endpoint, tmp_path / "a", requests(3), at_once=1)
    refused = "(the endpoint refuses it (not now))"
    assert texts(found) == [refused, "hello number 1!", "hello number 2!"]


def test_a_wrong_key_a_wrong_model_and_an_empty_account_stop_at_once(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="has no model 'other'"):
        ask(endpoint, tmp_path / "a", requests(3), model="other")
    endpoint.faults.planned.extend(["insufficient_quota"] * 9)
    with pytest.raises(InputError, match="The account has no money left"):
        ask(endpoint, tmp_path / "a", requests(3))
    monkeypatch.setenv("OTHER", "wrong")
    with pytest.raises(InputError, match=r"refuses the key .*key_variable"):
        ask(endpoint, tmp_path / "a", requests(3), key_variable="OTHER")
    assert not endpoint.paid


def test_the_budget_stops_before_it_is_overspent_and_keeps_what_was_paid(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    prices = {"input_price": 1e6, "output_price": 1e6}  # a token costs 1
    with pytest.raises(InputError, match=r"The budget of 300 is used up: \d+ answers cost"):
        ask(endpoint, tmp_path / "a", requests(100), budget=300, **prices)
    assert 200 < endpoint.tokens_in + endpoint.tokens_out <= 300
    paid = len(endpoint.paid)
    ask(endpoint, tmp_path / "a", requests(100))
    assert len(endpoint.paid) == 100 > paid


def test_the_estimate_learns_from_the_first_answers(endpoint: Endpoint, tmp_path: Path) -> None:
    asked = requests(2_000)
    config = LanguageModelConfig(**endpoint.options(input_price=1, output_price=4))
    with open_session(config, tmp_path, "greet") as session:
        before = estimate(asked, session.answers, session.model.asked_of, config)
        assert before.requests == 2_000
        assert not before.measured
        list(ask_all(asked[:50], session))
        paid = session.ledger.cost().money
        guess = estimate(asked, session.answers, session.model.asked_of, config)
        list(ask_all(asked, session))
        assert guess.measured
        assert guess.requests == 1_950
        assert guess.money == pytest.approx(session.ledger.cost().money - paid, rel=0.05)


def test_an_interrupted_command_stores_the_answers_that_are_on_their_way(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    """The interrupt comes while the command works on the first answer; nothing more is sent."""
    endpoint.faults.latency = 0.1
    config = LanguageModelConfig(**endpoint.options(at_once=4))
    with (
        pytest.raises(KeyboardInterrupt),
        open_session(config, tmp_path, "greet") as session,
    ):
        for _ in ask_all(requests(100), session):
            raise KeyboardInterrupt
    paid = len(endpoint.paid)
    assert 4 < paid < 20
    ask(endpoint, tmp_path / "answers.sqlite", requests(100))
    assert len(endpoint.paid) == 100, "no request is paid for twice"


def test_a_request_names_itself_so_that_an_endpoint_can_give_its_answer_again(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    endpoint.replays = True
    first, _ = ask(endpoint, tmp_path / "a", requests(3))
    second, _ = ask(endpoint, tmp_path / "b", requests(4))
    assert second[:3] == first
    assert len(endpoint.paid) == 4


def test_an_image_is_sent_with_the_text_and_nothing_else(tmp_path: Path) -> None:
    seen: list[Asked] = []
    with Endpoint(lambda asked: seen.append(asked) or "ok") as service:
        request = Request("judge", "Judge.", "a church", 20, image=b"\xff\xd8pixels", seed=4)
        ask(service, tmp_path / "a", [request])
    assert seen == [Asked("Judge.", "a church", b"\xff\xd8pixels", 4)]


def test_a_config_without_an_endpoint_says_how_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_MODEL", raising=False)
    with pytest.raises(ConfigError, match="--base-url or OPENAI_BASE_URL"):
        LanguageModelConfig().endpoint()
    with pytest.raises(ConfigError, match="--model or OPENAI_MODEL"):
        LanguageModelConfig(base_url="http://localhost:1/v1").endpoint()
    monkeypatch.setenv("OPENAI_BASE_URL", "https://other/v1/")
    monkeypatch.setenv("OPENAI_MODEL", "m")
    assert LanguageModelConfig().endpoint() == ("https://other/v1", "m", KEY)


def test_a_budget_without_prices_is_refused() -> None:
    with pytest.raises(ValueError, match="a budget needs input_price or output_price"):
        LanguageModelConfig(budget=5)


def test_another_file_in_the_place_of_the_answers_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"no database" * 100)
    with pytest.raises(InputError, match=r"a: cannot be used as the file of answers \(file is not"):
        Answers(tmp_path / "a")
