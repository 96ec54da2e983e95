"""A centre that understands nothing: confirms every 30 bytes as they come. `python -m benchmarks.fire_bare PORT`."""

import asyncio
import resource
import sys

SIZE = 30


class Bare(asyncio.Protocol):
    """Swaps the addresses, puts command 3 and the checksum in; keeps nothing."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        """Answer every whole frame."""
        data = self.rest + data
        whole = len(data) // SIZE * SIZE
        self.rest = data[whole:]
        out = bytearray()
        for at in range(0, whole, SIZE):
            body = data[at + 2 : at + 12] + data[at + 18 : at + 24] + data[at + 12 : at + 18] + b"\0\0\3"
            out += b"@@" + body + bytes([sum(body) & 0xFF]) + b"##"
        self.transport.write(out)  # type: ignore[attr-defined]


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", port, backlog=512)
    print("READY", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    asyncio.run(_serve(int(sys.argv[1])))
