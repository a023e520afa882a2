"""The stage `plan`: which tile to fetch for each focus object, and from which source."""

from stages.plan.stage import PLAN

__all__ = ["PLAN"]
