"""The catalogue: updates (what is multiplied on) and forms (how, with matrices).

Every module of :mod:`matrl.iterations.updates` and :mod:`matrl.iterations.forms` registers its
entries at its foot; adding a family is adding a file.
"""

from matrl.core.registry import import_all
from matrl.iterations import forms as _forms
from matrl.iterations import updates as _updates
from matrl.iterations.catalogue import FORMS, UPDATES
from matrl.iterations.continuation import continuation_update, trace_continuation
from matrl.iterations.form import Form, Registers
from matrl.iterations.schedule import trace_schedule
from matrl.iterations.update import DirectMethod, Multiplier, Samples, Update, can_meet_zero

import_all(_updates)
import_all(_forms)

__all__ = [
    "FORMS",
    "UPDATES",
    "DirectMethod",
    "Form",
    "Multiplier",
    "Registers",
    "Samples",
    "Update",
    "can_meet_zero",
    "continuation_update",
    "trace_continuation",
    "trace_schedule",
]
