"""Plans, findings, profiles and solutions as tables to print; nothing here prints."""

from matrl.report.certificates import certificate_report, findings_report
from matrl.report.findings import found_report, front_report
from matrl.report.plans import plan_report, steps_table
from matrl.report.profiles import profile_report
from matrl.report.searches import search_report
from matrl.report.solutions import solution_document, solution_report, status_counts
from matrl.report.units import in_engineering_units

__all__ = [
    "certificate_report",
    "findings_report",
    "found_report",
    "front_report",
    "in_engineering_units",
    "plan_report",
    "profile_report",
    "search_report",
    "solution_document",
    "solution_report",
    "status_counts",
    "steps_table",
]
