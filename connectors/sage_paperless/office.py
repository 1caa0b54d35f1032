"""Office documents as PDF through LibreOffice, where it is installed: a process of its own, with a profile and a time limit."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from connectors.sage_paperless.pages import Unusable

PROGRAMS = ("soffice", "libreoffice")
SECONDS = 60


def converter() -> str | None:
    """LibreOffice's program, or None."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


def to_pdf(path: Path, into: Path) -> None:
    """Raises Unusable where it is not installed, takes too long, or makes nothing of the file."""
    program = converter()
    if program is None:
        raise Unusable("converter_missing", "LibreOffice is not installed where Sitebooks runs")
    with tempfile.TemporaryDirectory(dir=into.parent) as work:
        profile = Path(work, "profile").as_uri()  # its own, so that two conversions never share a lock
        command = [program, f"-env:UserInstallation={profile}", "--headless", "--norestore", "--nolockcheck",
                   "--convert-to", "pdf", "--outdir", work, str(path)]  # fmt: skip
        try:
            subprocess.run(command, timeout=SECONDS, check=True, capture_output=True, env={"HOME": work, "PATH": "/usr/bin:/bin"})
        except subprocess.TimeoutExpired as error:
            raise Unusable("attachment_unreadable", f"LibreOffice took more than {SECONDS} seconds") from error
        except (subprocess.CalledProcessError, OSError) as error:
            raise Unusable("attachment_unreadable", f"LibreOffice could not convert it ({type(error).__name__})") from error
        made = list(Path(work).glob("*.pdf"))
        if len(made) != 1:
            raise Unusable("attachment_unreadable", "LibreOffice made no PDF of it")
        made[0].replace(into)
