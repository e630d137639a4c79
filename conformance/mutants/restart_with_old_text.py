"""A client that restarts after partial output, and appends the new answer to the old text."""

from __future__ import annotations

from conformance.mutants import replays_mid_stream, restart_declared_not_done
from conformance.reference.client import Parts

PARTS = Parts(adapter=restart_declared_not_done.Mutant, retries=replays_mid_stream.Mutant)
