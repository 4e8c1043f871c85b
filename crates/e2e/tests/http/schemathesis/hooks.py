"""Gives uploads that should be accepted a file that fits their entity, so that the stateful tests have actions to go on from."""

import json
import os

import schemathesis

# The document's own examples: one body for each entity.
with open(os.environ["BULK_OPENAPI"], encoding="utf-8") as document:
    UPLOAD = json.load(document)["paths"]["/bulk-actions"]["post"]["requestBody"]
EXAMPLES = UPLOAD["content"]["multipart/form-data"]["examples"]


@schemathesis.hook
def before_call(context, case, kwargs):
    """Replaces what only another part of the request, or the clock, can make right."""
    if case.operation.label != "POST /bulk-actions" or not isinstance(case.body, dict):
        return
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    example = EXAMPLES.get(case.body.get("entityType"))
    if example is not None:
        case.body["file"] = example["value"]["file"]
        case.body.pop("mapping", None)
        case.body.pop("scheduledAt", None)
