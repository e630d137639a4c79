"""A reverse proxy of a few lines: python tiny_gateway.py UPSTREAM PORT [FLAW…]. Bytes go both ways as they come.

Without a flaw it is as transparent as a wire. `fixed`: it has one upstream, and puts its clients' /v1 there. `told`: it puts it where a
request's X-Upstream says. The others are wrong:
`masks` ends a cut answer like a whole one, `joins` holds the answer back until its end, `lingers` goes on reading from the upstream
when its client has left, `hides-errors` answers 200 whatever the upstream says, `ends` is gone a moment after each answer.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from contextlib import suppress
from urllib.parse import urlsplit

DONE = b"data: [DONE]\n\n"
NAMED = re.compile(rb"(?i)\r\nx-upstream: http://[^/]+([^\r]*)\r\n")
LAST_CHUNK = b"\r\n0\r\n\r\n"


async def main(upstream: str, port: int, flaws: set[str]) -> None:
    url = urlsplit(upstream)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_upstream, to_upstream = await asyncio.open_connection(url.hostname, url.port)

        unnoticed = (OSError,) if "lingers" in flaws else ()

        async def ask() -> None:
            with suppress(*unnoticed):
                while data := await reader.read(65536):
                    if "told" in flaws and (named := NAMED.search(data)):
                        data = data.replace(b" /v1/", b" %b/" % named[1], 1)
                    if "fixed" in flaws:
                        data = data.replace(b" /v1/", f" {url.path}/".encode(), 1)
                    to_upstream.write(data)
                    await to_upstream.drain()
            if "lingers" not in flaws:
                to_upstream.close()

        async def reply() -> None:
            whole = b""
            while data := await from_upstream.read(65536):
                whole += data
                if "hides-errors" in flaws:
                    data = data.replace(b"HTTP/1.1 500 ", b"HTTP/1.1 200 ")
                if "masks" in flaws and DONE not in whole and data.endswith(LAST_CHUNK):
                    data = data.removesuffix(LAST_CHUNK) + b"\r\n%x\r\n%s" % (len(DONE), DONE) + LAST_CHUNK
                if "joins" not in flaws:
                    writer.write(data)
                elif data.endswith(LAST_CHUNK) or b"content-length" in whole.lower():
                    writer.write(whole)
                    whole = b""
                with suppress(*unnoticed):
                    await writer.drain()
            writer.write_eof()
            if "ends" in flaws and whole:
                asyncio.get_running_loop().call_later(0.1, os._exit, 3)

        try:
            with suppress(OSError):
                await asyncio.gather(ask(), reply())
        finally:
            writer.close()
            to_upstream.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), set(sys.argv[3:])))
