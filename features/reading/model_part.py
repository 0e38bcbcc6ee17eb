"""Reading for a model: what a workspace file says of the data, and what the model itself says of its features.

A model goes on as it was trained, whatever the file says meanwhile of behaviours, attributes, time zone or trial. A column that
only the model still names may be gone from the data, and then nothing is known of it.
"""

from __future__ import annotations

from features.definition import Definition
from features.errors import InputError
from features.workspaces.schema import Workspace


def as_trained(ws: Workspace, definition: Definition | None) -> Workspace:
    """Return the workspace with the feature part of a model in place of its own."""
    if definition is None:
        return ws
    if definition.undated != ws.undated:
        kinds = ("a table of leads without dates", "leads with dates")
        learnt, given = kinds if definition.undated else reversed(kinds)
        raise InputError(
            "the model was learnt from another kind of data",
            given=given,
            expected=f"{learnt}, as the model has learnt from",
            do="train a model on these data, or restore the data section of the workspace file",
        )
    return ws.model_copy(
        update={
            "timezone": definition.timezone,
            "resolution": definition.resolution,
            "trial": ws.trial.model_copy(update={"days": definition.trial_days, "inactive_days": definition.inactive_days}),
            "sessions": ws.sessions.model_copy(update={"gap_minutes": definition.gap_minutes}),
            "behaviours": definition.behaviours,
            "features": definition.features,
            "attributes": definition.attributes,
        }
    )
