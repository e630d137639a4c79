"""A client that restarts after partial output, with another body."""

from __future__ import annotations

from conformance.mutants import other_body_on_retry, replays_mid_stream, restart_declared_not_done
from conformance.reference.client import Parts

PARTS = Parts(adapter=restart_declared_not_done.Mutant, client=other_body_on_retry.Mutant, retries=replays_mid_stream.Mutant)
