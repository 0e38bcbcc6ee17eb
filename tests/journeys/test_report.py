"""The report in a real browser: wide, on a telephone, and printed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.journeys.conftest import Trained

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

PROBE = """
<script>
const wide = [...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll') && !e.closest('svg')
  && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
const small = [...document.querySelectorAll('svg.chart text')].filter(e => e.getBoundingClientRect().height < 9);
parent.postMessage(`over ${wide.length} small ${small.length}`, '*');
</script></body>"""
HARK = "<script>onmessage = event => document.title = event.data</script>"


def chromium(profile: Path, *arguments: str) -> str:
    """Run the browser without a screen and return what it printed."""
    command = [str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def fits(html: str, width: int, folder: Path) -> str:
    """Return how many elements are wider than the page and how many labels are too small to read, at a width."""
    page, frame = folder / "measured.html", folder / "frame.html"
    # The report itself runs no script: only the copy that is measured is allowed one.
    page.write_text(html.replace("default-src 'none'", "script-src 'unsafe-inline'").replace("</body>", PROBE), encoding="utf-8")
    # A window has a least width, a frame has none.
    frame.write_text(
        f'<title>?</title><iframe id="f" src="{page.name}" style="width:{width}px;height:9000px;border:0"></iframe>{HARK}'
    )
    dom = chromium(folder / "profile", "--window-size=1600,9100", "--dump-dom", frame.as_uri())
    return dom.partition("<title>")[2].partition("</title>")[0]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no browser here")
def test_the_report_fits_every_width_and_prints(trained: Trained, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    trained.run("report", "-w", trained.workspace, "--out", report)
    html = report.read_text(encoding="utf-8")
    assert fits(html, 1400, tmp_path) == fits(html, 380, tmp_path) == "over 0 small 0"
    pdf = tmp_path / "report.pdf"
    chromium(tmp_path / "profile", f"--print-to-pdf={pdf}", report.as_uri())
    assert pdf.read_bytes().startswith(b"%PDF")
    assert 4 <= pdf.read_bytes().count(b"/Type /Page\n") <= 14
