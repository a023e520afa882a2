"""The stage `statements`: sentences on each image that its geometry proves."""

from stages.statements.config import StatementsConfig
from stages.statements.stage import STATEMENTS, statements

__all__ = ["STATEMENTS", "StatementsConfig", "statements"]
