"""Asks a language model behind an OpenAI-compatible endpoint: hosted, vLLM or llama.cpp.

Each answer is stored before it is used, so that no stored answer is paid for twice.
"""

from skyscript.language_model.answers import Answer, Answers, Request, find_json
from skyscript.language_model.asking import NoAnswer, Session, announce, ask_all, open_session
from skyscript.language_model.client import LanguageModel
from skyscript.language_model.config import LanguageModelConfig
from skyscript.language_model.cost import Cost, Ledger, estimate

__all__ = [
    "Answer",
    "Answers",
    "Cost",
    "LanguageModel",
    "LanguageModelConfig",
    "Ledger",
    "NoAnswer",
    "Request",
    "Session",
    "announce",
    "ask_all",
    "estimate",
    "find_json",
    "open_session",
]
