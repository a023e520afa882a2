"""The stage `plan`: which tile to fetch for each focus object, and from which source."""

from stages.plan.config import PlanConfig
from stages.plan.stage import PLAN, plan

__all__ = ["PLAN", "PlanConfig", "plan"]
