"""Planners: they know an environment (states, actions, prices) and nothing of matrices."""

from matrl.search.archive import Elite, front_of
from matrl.search.budget import Budgeted
from matrl.search.driver import Search
from matrl.search.environment import NO_CHILDREN, Children, Environment, Verdict
from matrl.search.journal import Journal
from matrl.search.limits import Limits, Reason
from matrl.search.parallel import Record, search_in_parallel
from matrl.search.planners import PLANNERS
from matrl.search.progress import Progress
from matrl.search.result import SearchResult
from matrl.search.resumable import Resumable
from matrl.search.searching import search

__all__ = [
    "NO_CHILDREN",
    "PLANNERS",
    "Budgeted",
    "Children",
    "Elite",
    "Environment",
    "Journal",
    "Limits",
    "Progress",
    "Reason",
    "Record",
    "Resumable",
    "Search",
    "SearchResult",
    "Verdict",
    "front_of",
    "search",
    "search_in_parallel",
]
