"""Fetching one file from the Hugging Face Hub: resume, progress, checksum.

Speaks the Hub's plain HTTP: HEAD on the resolve URL tells size and, for large files, the sha256
(`X-Linked-Size`, `X-Linked-Etag`); GET with `Range` resumes. `HF_ENDPOINT` and `HF_TOKEN` are
honoured; the token never follows a redirect to another host.
"""

from __future__ import annotations

import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urljoin, urlsplit

from shortstop.errors import ModelFileError
from shortstop.registry.store import BLOCK, Progress, require_space, sha256_of

DEFAULT_ENDPOINT = "https://huggingface.co"
TRIES = 5
TIMEOUT = 30
_SPEC = re.compile(r"(?:hf:)?([\w.-]+/[\w.-]+)/([\w./-]+\.gguf)(?:@([\w./-]+))?")


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
        if match is None:
            raise ModelFileError(
                f"{spec!r} does not name a file on the Hub.",
                hint="Write hf:ORG/REPO/FILE.gguf, if you like with @REVISION.",
            )
        return HubFile(match[1], match[2], match[3] or "main")

    def url(self, endpoint: str) -> str:
        return f"{endpoint}/{self.repo}/resolve/{quote(self.revision)}/{quote(self.file)}"


@dataclass(frozen=True, slots=True)
class Remote:
    """What the Hub says about a file. `sha256` is None for files outside its large storage."""

    size: int
    sha256: str | None
    url: str


class _KeepToken(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but takes the token off when the host changes."""

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
        if new is not None and urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            new.remove_header("Authorization")
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
    pause: Callable[[float], None] = time.sleep,
) -> tuple[Path, str]:
    """Download into `folder`; returns the file and its sha256. Resumes what an earlier try left.

    Raises ModelFileError: unknown file, no access, wrong bytes, full disk, or no connection
    after several tries.
    """
    remote = _look_up(wanted)
    part = folder / "model.part"
    done = part.stat().st_size if part.exists() else 0
    require_space(folder, max(0, remote.size - done))
    for tried in range(TRIES):
        try:
            _download(remote, part, progress)
            break
        except (urllib.error.URLError, OSError, HTTPException) as error:
            if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                raise _refused(wanted, error) from error
            if tried == TRIES - 1:
                raise ModelFileError(
                    f"The download of {wanted.file} broke off: {error}.",
                    hint="Run the same command again: it goes on where it stopped.",
                ) from error
            pause(2.0**tried)
    return part, _verified(part, remote, expected or remote.sha256, progress)


def _look_up(wanted: HubFile) -> Remote:
    endpoint = os.environ.get("HF_ENDPOINT", DEFAULT_ENDPOINT).rstrip("/")
    url = wanted.url(endpoint)
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(_request(url, method="HEAD"), timeout=TIMEOUT) as response:
            headers = response.headers
    except urllib.error.HTTPError as error:
        if error.code not in (301, 302, 303, 307, 308):
            raise _refused(wanted, error) from error
        headers = error.headers
        url = urljoin(url, headers.get("Location", url)) if "X-Linked-Size" not in headers else url
    except (urllib.error.URLError, OSError) as error:
        raise ModelFileError(
            f"The Hub at {endpoint} cannot be reached: {getattr(error, 'reason', error)}.",
            hint="Check the network or HF_ENDPOINT; a GGUF on disk can be given with --from FILE.",
        ) from error
    etag = headers.get("X-Linked-Etag", "").strip('"')
    size = int(headers.get("X-Linked-Size") or headers.get("Content-Length") or 0)
    return Remote(size, etag if re.fullmatch(r"[0-9a-f]{64}", etag) else None, url)


def _request(url: str, method: str = "GET") -> urllib.request.Request:
    if urlsplit(url).scheme not in ("http", "https"):
        raise ModelFileError(f"{url} is not an http(s) URL.", hint="Check HF_ENDPOINT.")
    request = urllib.request.Request(url, method=method)  # noqa: S310 - scheme checked above
    token = os.environ.get("HF_TOKEN")
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    return request


def _download(remote: Remote, part: Path, progress: Progress) -> None:
    """One connection's worth: append to what is there, or begin anew if the Hub will not resume."""
    done = part.stat().st_size if part.exists() else 0
    if remote.size and done >= remote.size:
        return
    request = _request(remote.url)
    if done:
        request.add_header("Range", f"bytes={done}-")
    opener = urllib.request.build_opener(_KeepToken)
    with opener.open(request, timeout=TIMEOUT) as response:
        resumed = response.status == 206
        done = done if resumed else 0
        with part.open("ab" if resumed else "wb") as out:
            while block := response.read(BLOCK):
                out.write(block)
                done += len(block)
                progress(done, remote.size)
    if remote.size and done < remote.size:
        raise OSError(f"the connection closed at {done} of {remote.size} bytes")


def _verified(part: Path, remote: Remote, expected: str | None, progress: Progress) -> str:
    found = sha256_of(part, progress)
    size = part.stat().st_size
    if (remote.size and size != remote.size) or (expected is not None and found != expected):
        part.unlink()
        raise ModelFileError(
            f"The downloaded file is wrong: {size} bytes, sha256 {found}; "
            f"expected {remote.size} bytes, {expected}.",
            hint="It was removed. Try again; if it happens again, do not trust this source.",
        )
    return found


def _refused(wanted: HubFile, error: urllib.error.HTTPError) -> ModelFileError:
    hints = {
        401: "Set HF_TOKEN to a token that may read it.",
        403: "Accept the model's terms on the Hub, and set HF_TOKEN.",
        404: "Check organisation, repository, file name and revision.",
    }
    return ModelFileError(
        f"The Hub answered {error.code} for {wanted.repo}/{wanted.file}.",
        hint=hints.get(error.code, "Try again later."),
    )
