"""Exports the pairs of a run in the formats of other libraries, with a card."""

from stages.export_data.config import ExportConfig
from stages.export_data.job import Exported, export_data
from stages.export_data.pairs import RunTables

__all__ = ["ExportConfig", "Exported", "RunTables", "export_data"]
