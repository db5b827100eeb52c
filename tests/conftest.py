"""What every test may ask for."""

from __future__ import annotations

import atexit
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forge.github_service import Service, serving
from tests.forge.github_service.prism import Prism, shared, why_not

_ROOT = Path(__file__).resolve().parents[1]


#: A shell starts what it sends to the background with these ignored, and every process of the tests would inherit that.
for _number in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(_number) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)


#: Tests measure for their own sake: they wait for no measurement on this machine, and none waits for them.
os.environ["PERFGATE_LOCK"] = f"{tempfile.gettempdir()}/perfgate-tests-{os.getpid()}.lock"
atexit.register(lambda name: Path(name).unlink(missing_ok=True), os.environ["PERFGATE_LOCK"])


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return _ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real files of the tools that perfgate reads; they lie beside the repository where it is developed."""
    data = _ROOT.parent / "shared" / "data"
    if not data.is_dir():
        pytest.skip("the folder ../shared/data with real tool outputs is not beside this checkout")
    return data


@pytest.fixture(scope="session")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prism | None]:
    """The one Prism of this test run; None where it cannot run."""
    if why_not():
        yield None
        return
    base = tmp_path_factory.getbasetemp()
    with shared(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) as found:
        yield found


@pytest.fixture
def github(prism: Prism | None) -> Iterator[Service]:
    """The played GitHub; where Prism can run, every request of the test must be one that GitHub takes."""
    with serving(prism) as service:
        yield service
