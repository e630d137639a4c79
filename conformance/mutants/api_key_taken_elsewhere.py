"""The key is sent in `api-key`, and a redirect to another origin takes out Authorization alone."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.wire import Place


class Mutant(Client):
    def fields(self, url: SplitResult, key: str, body: bytes) -> dict[str, str]:
        own = super().fields(url, key, body)
        del own["Authorization"]
        return {**own, "api-key": key}

    def redirect(self, url: str, response: Response, origin: Place) -> str:
        if response.status in (307, 308):
            return urljoin(url, response.headers.get("location", ""))
        return super().redirect(url, response, origin)


PARTS = Parts(client=Mutant)
