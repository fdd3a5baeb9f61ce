"""docs/reference/support.md says what the declarations say."""

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "scripts" / "generate_support.py"


def test_the_support_page_is_what_the_declarations_say() -> None:
    spec = importlib.util.spec_from_file_location("generate_support", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.TARGET.read_text() == module.render(), "run: make support"
