"""Settings: every class has some, and the package itself costs nothing to import."""

from __future__ import annotations

import subprocess
import sys

from ml.settings import ClassSettings, settings_for


def test_a_class_nobody_described_gets_the_general_settings() -> None:
    assert settings_for("press") == ClassSettings()
    assert settings_for("turbofan_fd003").operating_settings == ("op_setting_1", "op_setting_2", "op_setting_3")


def test_importing_the_package_or_its_settings_loads_nothing_heavy() -> None:
    heavy = ("numpy", "pandas", "sklearn")
    code = f"import sys, ml, ml.settings, ml.errors; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
