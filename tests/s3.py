"""A server that speaks as much S3 as a lake needs, over real HTTP, and fails as it is told.

Signatures are not checked, only that each request has one of a known key, for the right region.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

KEY, SECRET, REGION, BUCKET = "AKIDLAKE", "a secret of the lake's", "eu-test-1", "lake"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true",
}  # fmt: skip
PAGE = 3
"""Objects of one listing: the next is asked for by its token."""
DATE = "Wed, 18 Nov 2026 00:00:00 GMT"
Fault = int | str | None
"""A status to answer with; "hang": nothing is ever said; "cut": no answer; "lost": it is done, and
no answer."""


@dataclass(eq=False)
class S3Server:
    objects: dict[str, bytes] = field(default_factory=dict)
    """By bucket and key."""
    asked: list[str] = field(default_factory=list)
    """Each method with what it was about."""
    fault: Callable[[str, str], Fault] = lambda method, key: None
    done: Callable[[str, str], None] = lambda method, key: None
    """Told of each request when it is carried out, before its answer."""
    region: str = REGION
    plain: bool = False
    """Whether it takes the checksums of 2025 for content, as stores from before do."""
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def times(self, method: str, part: str = "") -> int:
        return sum(one.startswith(f"{method} ") and part in one for one in self.asked)


@contextmanager
def s3() -> Iterator[S3Server]:
    state = S3Server()
    handler = type("Handler", (_Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: S3Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *_: object) -> None:
        pass

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def handle_expect_100(self) -> bool:
        """At once: a client that does not hear it waits for a second."""
        go_on = super().handle_expect_100()
        self.wfile.flush()
        return go_on

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        self.name = unquote(parts.path).lstrip("/")
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        body = self._body()
        state = self.state
        state.asked.append(f"{self.command} {self.name}{'?' + parts.query if parts.query else ''}")
        fault = state.fault(self.command, self.name)
        if fault == "hang":
            state.ended.wait(60)
        if fault in ("hang", "cut"):
            self.close_connection = True
        elif isinstance(fault, int):
            self._error(fault, {403: "AccessDenied", 503: "SlowDown"}.get(fault, "InternalError"))
        elif not self._refused():
            self._carry_out(body, lost=fault == "lost")

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer

    def _refused(self) -> bool:
        signed = re.match(
            r"AWS4-HMAC-SHA256 Credential=(\w+)/\d{8}/([a-z0-9-]+)/s3/aws4_request, "
            r"SignedHeaders=[a-z0-9;-]+, Signature=[0-9a-f]{64}$",
            self.headers.get("authorization", ""),
        )
        if signed is None or signed[1] != KEY:
            self._error(403, "AccessDenied" if signed is None else "InvalidAccessKeyId")
        elif signed[2] != self.state.region:
            self._error(400, "AuthorizationHeaderMalformed", f"expecting '{self.state.region}'")
        elif self.name.partition("/")[0] != BUCKET:
            self._error(404, "NoSuchBucket")
        else:
            return False
        return True

    def _carry_out(self, body: bytes, *, lost: bool) -> None:
        status, headers, answer = self._done(body)
        self.state.done(self.command, self.name)
        if lost:
            self.close_connection = True
            return
        self._send(status, headers, answer)

    def _done(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        state, query = self.state, self.query
        match self.command:
            case "PUT" if "uploadId" in query:
                state.uploads[query["uploadId"]][int(query["partNumber"])] = body
                return 200, {"etag": '"part"'}, b""
            case "PUT":
                state.objects[self.name] = body
                return 200, {"etag": '"whole"'}, b""
            case "POST" if "delete" in query:
                keys = re.findall(rb"<Key>(.*?)</Key>", body)
                for key in keys:
                    state.objects.pop(f"{BUCKET}/{key.decode()}", None)
                return 200, {}, b"<DeleteResult></DeleteResult>"
            case "POST" if "uploads" in query:
                id = f"upload-{len(state.uploads)}"
                state.uploads[id] = {}
                return 200, {}, _xml("InitiateMultipartUploadResult", f"<UploadId>{id}</UploadId>")
            case "POST":
                parts = state.uploads.pop(query["uploadId"])
                state.objects[self.name] = b"".join(parts[n] for n in sorted(parts))
                return 200, {}, _xml("CompleteMultipartUploadResult", "<ETag>&quot;x&quot;</ETag>")
            case "DELETE":
                state.objects.pop(self.name, None)
                return 204, {}, b""
            case "GET" if "list-type" in query:
                return 200, {}, self._listing()
        return self._object()

    def _object(self) -> tuple[int, dict[str, str], bytes]:
        data = self.state.objects.get(self.name)
        if data is None:
            return 404, {}, _xml("Error", "<Code>NoSuchKey</Code>")
        headers = {"last-modified": DATE, "etag": '"x"', "accept-ranges": "bytes"}
        if part := re.match(r"bytes=(\d+)-(\d+)$", self.headers.get("range", "")):
            first, last = int(part[1]), min(int(part[2]), len(data) - 1)
            headers["content-range"] = f"bytes {first}-{last}/{len(data)}"
            return 206, headers, data[first : last + 1]
        return 200, headers, data

    def _listing(self) -> bytes:
        prefix, delimiter = self.query.get("prefix", ""), self.query.get("delimiter", "")
        after = self.query.get("continuation-token", "")
        keys = sorted(name.removeprefix(f"{BUCKET}/") for name in list(self.state.objects))
        shown: dict[str, str] = {}
        for key in keys:
            if key.startswith(prefix):
                rest, found, _ = key.removeprefix(prefix).partition(delimiter or "\0")
                whole = f"{prefix}{rest}{delimiter}" if found else key
                shown[whole] = _prefix(whole) if found else self._entry(key)
        names = [name for name in sorted(shown) if name > after]
        more = len(names) > PAGE
        told = "".join(shown[name] for name in names[:PAGE])
        if more:
            told += f"<NextContinuationToken>{escape(names[PAGE - 1])}</NextContinuationToken>"
        told += f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        return _xml("ListBucketResult", told)

    def _entry(self, key: str) -> str:
        size = len(self.state.objects.get(f"{BUCKET}/{key}", b""))
        return (
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-11-18T00:00:00.000Z"
            f"</LastModified><Size>{size}</Size></Contents>"
        )

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("transfer-encoding", ""):
            body = b"".join(iter(self._chunk, b""))
        else:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
            return body if self.state.plain else _unwrapped(body)
        return body

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def _error(self, status: int, code: str, message: str = "as it was told") -> None:
        inner = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
        self._send(status, {}, _xml("Error", inner))

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _unwrapped(body: bytes) -> bytes:
    """Without the sizes and the checksum that a signed stream has around its content."""
    data = b""
    while True:
        line, _, body = body.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        if size == 0:
            return data
        data, body = data + body[:size], body[size + 2 :]


def _prefix(name: str) -> str:
    return f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"


def _xml(name: str, inner: str) -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    space = "" if name == "Error" else ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
    return f"{head}<{name}{space}>{inner}</{name}>".encode()
