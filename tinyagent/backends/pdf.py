"""The text of a PDF, wherever a backend found it."""

from __future__ import annotations

from pathlib import Path

from pypdf import PasswordType, PdfReader

from tinyagent.errors import NotFoundError, ToolError


def pdf_text(path: Path, shown: str) -> str:
    """The text of the PDF at ``path``, pages separated by an empty line.

    Args:
        path: the file.
        shown: what messages call it.

    Raises:
        NotFoundError: it is not there.
        ToolError: it is no PDF, encrypted, damaged, or a scan without text.
    """
    try:
        with path.open("rb") as file:
            head = file.read(1024)
    except FileNotFoundError:
        raise NotFoundError(f"the file {shown} is not there any more; find it again") from None
    except OSError as error:
        raise ToolError(f"{shown} cannot be read: {error.strerror}") from error
    if b"%PDF-" not in head:
        raise ToolError(f"{shown} is no PDF; only PDFs can be summarised")
    try:
        reader = PdfReader(path)
        locked = reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED
        pages = [] if locked else [page.extract_text().strip() for page in reader.pages]
    except Exception as error:  # a damaged file makes pypdf raise nearly anything
        raise ToolError(f"{shown} is damaged and cannot be read ({error})") from error
    if locked:
        raise ToolError(f"{shown} is encrypted; save a copy without a password")
    text = "\n\n".join(page for page in pages if page)
    if not text:
        raise ToolError(f"{shown} has no text, perhaps a scan; save a copy with text (OCR)")
    return text
