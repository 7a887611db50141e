"""Fetching one file from the Hugging Face Hub: resume, progress, checksum.

Uses the Hub's plain HTTP: HEAD on the resolve URL gives size, commit and, for large files, the
sha256 (`X-Linked-Size`, `X-Repo-Commit`, `X-Linked-Etag`); GET with `Range` resumes. `HF_ENDPOINT`
and `HF_TOKEN` are honoured; the token never follows a redirect to another origin.

A part on disk is resumed only when it belongs to the very file that the HEAD described (a note next
to it says so) and the range that the server sends continues it. `If-Range` would not work: the Hub
redirects to a store whose own ETag differs from the Hub's.
"""

from __future__ import annotations

import os
import random
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import quote, urljoin, urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shortstop import __version__
from shortstop.errors import ModelFileError
from shortstop.registry.store import BLOCK, Progress, require_space, sha256_of

DEFAULT_ENDPOINT = "https://huggingface.co"
TRIES = 5
"""Attempts in a row that bring not a single byte; one that brings some resets the count."""
TIMEOUT = 30
MAX_REDIRECTS = 5
MAX_PAUSE = 60.0
PART = "model.part"
NOTE = "model.part.json"
_SPEC = re.compile(r"hf:([\w.-]+/[\w.-]+)/([\w./-]+\.gguf)(?:@([\w./-]+))?")
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REDIRECTS = (301, 302, 303, 307, 308)

Pause = Callable[[float], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file on the Hub at a revision (branch, tag or commit)."""

    repo: str
    file: str
    revision: str = "main"

    @staticmethod
    def parse(spec: str) -> HubFile:
        """`hf:ORG/REPO/FILE.gguf[@REVISION]`. Raises ModelFileError."""
        match = _SPEC.fullmatch(spec)
        if match is None or ".." in spec:
            raise ModelFileError(
                f"{spec!r} does not name a GGUF file on the Hub.",
                hint="Write hf:ORG/REPO/FILE.gguf, if you like with @REVISION.",
            )
        return HubFile(match[1], match[2], match[3] or "main")

    def __str__(self) -> str:
        return f"hf:{self.repo}/{self.file}@{self.revision}"

    def url(self, endpoint: str) -> str:
        """Where the file is downloaded from."""
        revision = quote(self.revision, safe="")
        return f"{endpoint}/{self.repo}/resolve/{revision}/{quote(self.file)}"


class Remote(Struct, frozen=True):
    """What the Hub reports about a file.

    `size` in bytes, 0 when it is not reported; `sha256` None for files outside its large storage.
    """

    url: str
    size: int
    sha256: str | None
    etag: str


class _Refused(Exception):
    """The Hub's response is final: no retry will change it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _KeepToken(urllib.request.HTTPRedirectHandler):
    """Follows redirects; the token goes along only within one origin."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        token = req.unredirected_hdrs.get("Authorization")
        if new is not None and token and _origin(newurl) == _origin(req.full_url):
            new.add_unredirected_header("Authorization", token)
        return new


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def fetch(
    wanted: HubFile,
    folder: Path,
    progress: Progress,
    *,
    expected: str | None = None,
    pause: Pause = time.sleep,
) -> tuple[Path, str]:
    """Download into `folder`; returns the file and its sha256. Resumes what an earlier try left.

    Raises ModelFileError: unknown file, no access, wrong bytes, full disk, or no connection
    after several tries.
    """
    try:
        remote = _patiently(lambda: _look_up(wanted), lambda: 0, pause)
        if expected is not None and remote.sha256 not in (None, expected):
            raise ModelFileError(
                f"The Hub now has sha256 {remote.sha256} for {wanted}, expected {expected}.",
                hint="The file was replaced since we checked it: do not use it.",
            )
        part = _matching_part(folder, remote)
        require_space(folder, max(0, remote.size - _size(part)))
        _patiently(lambda: _download(remote, part, progress), lambda: _size(part), pause)
    except _Refused as refused:
        raise _explained(wanted, refused.status) from refused
    except (OSError, HTTPException) as error:
        raise ModelFileError(
            f"The download of {wanted.file} broke off: {getattr(error, 'reason', error)}.",
            hint="Run the same command again: it resumes where it stopped. Check the network and "
            "HF_ENDPOINT; a GGUF on disk can be given by its path.",
        ) from error
    return part, _verified(part, remote, expected or remote.sha256, progress)


def _patiently(work: Callable[[], T], done: Callable[[], int], pause: Pause) -> T:
    """Run `work` again after transient failures; progress, as `done` counts it, renews patience."""
    fruitless = 0
    failure: Exception
    while True:
        before = done()
        try:
            return work()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 500 and error.code not in (408, 429):
                raise _Refused(error.code) from error
            failure, wait = error, _seconds(error.headers)
        except (OSError, HTTPException) as error:
            failure, wait = error, None
        fruitless = 0 if done() > before else fruitless + 1
        if fruitless >= TRIES:
            raise failure
        pause(wait if wait is not None else random.uniform(0.5, 1.0) * 2.0**fruitless)


def _seconds(headers: Message) -> float | None:
    try:
        return min(MAX_PAUSE, max(0.0, float(headers["Retry-After"])))
    except (KeyError, TypeError, ValueError):
        return None


# ---------------------------------------------------------------- what there is


def _look_up(wanted: HubFile) -> Remote:
    """HEAD, following redirects within the Hub; the first one that leaves it is the answer."""
    endpoint = os.environ.get("HF_ENDPOINT", DEFAULT_ENDPOINT).rstrip("/")
    opener = urllib.request.build_opener(_NoRedirect)
    url = wanted.url(endpoint)
    for _ in range(MAX_REDIRECTS):
        try:
            with opener.open(_request(url, method="HEAD"), timeout=TIMEOUT) as response:
                return _described(url, wanted, endpoint, response.headers)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code not in _REDIRECTS:
                raise
            target = urljoin(url, error.headers.get("Location", url))
            if "X-Linked-Size" in error.headers or _origin(target) != _origin(url):
                return _described(url, wanted, endpoint, error.headers)
            url = target
    raise OSError(f"more than {MAX_REDIRECTS} redirects")


def _described(url: str, wanted: HubFile, endpoint: str, headers: Message) -> Remote:
    etag = (headers.get("X-Linked-Etag") or headers.get("ETag") or "").removeprefix("W/").strip('"')
    size = headers.get("X-Linked-Size") or headers.get("Content-Length") or "0"
    commit = headers.get("X-Repo-Commit")
    if commit:
        # A branch may move between HEAD and GET; a commit cannot.
        url = HubFile(wanted.repo, wanted.file, commit).url(endpoint)
    return Remote(
        url=url,
        size=int(size) if size.isdigit() else 0,
        sha256=etag if _SHA256.fullmatch(etag) else None,
        etag=etag,
    )


def _request(url: str, method: str = "GET") -> urllib.request.Request:
    if urlsplit(url).scheme not in ("http", "https"):
        raise ModelFileError(f"{url} is not an http(s) URL.", hint="Check HF_ENDPOINT.")
    headers = {"User-Agent": f"shortstop/{__version__}", "Accept-Encoding": "identity"}
    request = urllib.request.Request(url, headers=headers, method=method)  # noqa: S310 - checked
    token = os.environ.get("HF_TOKEN")
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    return request


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


# ---------------------------------------------------------------- bytes


def _matching_part(folder: Path, remote: Remote) -> Path:
    """The part to resume; one that belongs to another file, or to an unknown one, is deleted."""
    part, note = folder / PART, folder / NOTE
    described = msgspec.json.encode(replace(remote, url=""))
    if not note.exists() or note.read_bytes() != described or not (remote.etag and remote.size):
        part.unlink(missing_ok=True)
    elif _size(part) > remote.size:
        part.unlink()
    note.write_bytes(described)
    return part


def _download(remote: Remote, part: Path, progress: Progress) -> None:
    """One connection's worth: append to the part, or start over if the Hub will not resume."""
    done = _size(part)
    if remote.size and done == remote.size:
        return
    request = _request(remote.url)
    if done:
        request.add_header("Range", f"bytes={done}-")
    opener = urllib.request.build_opener(_KeepToken)
    try:
        response = opener.open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:
            part.unlink(missing_ok=True)
            raise OSError("the Hub cannot resume from where the part ends") from error
        raise
    with response:
        if done and not _continues(response, done, remote.size):
            done = 0
        with part.open("ab" if done else "wb") as out:
            while block := response.read(BLOCK):
                out.write(block)
                done += len(block)
                progress(done, remote.size)
                if remote.size and done > remote.size:
                    return
    if remote.size and done < remote.size:
        raise OSError(f"the connection closed at {done} of {remote.size} bytes")


def _continues(response: Any, done: int, size: int) -> bool:
    """Whether the response is the rest of the part; 200 is the whole file again."""
    if response.status != 206:
        return False
    match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is None or int(match[1]) != done or match[2] not in ("*", str(size)):
        raise OSError("the Hub sent another range than requested")
    return True


def _verified(part: Path, remote: Remote, expected: str | None, progress: Progress) -> str:
    checksum, size = sha256_of(part, progress), _size(part)
    if (remote.size and size != remote.size) or (expected is not None and checksum != expected):
        part.unlink()
        raise ModelFileError(
            f"The downloaded file is wrong: {size} bytes, sha256 {checksum}; "
            f"expected {remote.size} bytes, sha256 {expected or 'unknown'}.",
            hint="It was removed. Try again; if it happens again, do not trust this source.",
        )
    return checksum


def _size(part: Path) -> int:
    with suppress(FileNotFoundError):
        return part.stat().st_size
    return 0


def _explained(wanted: HubFile, status: int) -> ModelFileError:
    hints = {
        401: "It may not exist, or need a login: check the name, and set HF_TOKEN to a token that "
        "may read it.",
        403: "Accept the model's terms on the Hub, and set HF_TOKEN.",
        404: "Check organisation, repository, file name and revision.",
    }
    return ModelFileError(
        f"The Hub answered {status} for {wanted}.", hint=hints.get(status, "Try again later.")
    )
