"""Asks a language model behind an OpenAI-compatible endpoint: hosted, vLLM or llama.cpp.

Each answer is stored before it is used, so that no request is paid for twice.
"""

from skyscript.language_model.answers import ANSWERS, Answer, Answers, Request
from skyscript.language_model.asking import NoAnswer, announce, ask_all
from skyscript.language_model.client import LanguageModel
from skyscript.language_model.config import LanguageModelConfig
from skyscript.language_model.cost import Cost, Ledger, estimate

__all__ = [
    "ANSWERS",
    "Answer",
    "Answers",
    "Cost",
    "LanguageModel",
    "LanguageModelConfig",
    "Ledger",
    "NoAnswer",
    "Request",
    "announce",
    "ask_all",
    "estimate",
]
