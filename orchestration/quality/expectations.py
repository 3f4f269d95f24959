"""Running a suite of expectations, and its verdict as plain values.

Belongs here: the context without telemetry or progress bars, one data source for each kind of batch.
Does not belong here: which expectations (landed.py, published.py), or Dagster.

Great Expectations takes seconds to import: only the functions here do it, when a check runs.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a batch met a suite; each broken expectation is one sentence."""

    expectation_count: int
    broken: tuple[str, ...]

    @property
    def is_met(self) -> bool:
        """Whether every expectation holds."""
        return not self.broken

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(
            expectation_count=self.expectation_count + other.expectation_count, broken=self.broken + other.broken
        )

    def as_metadata(self) -> dict[str, Any]:
        """The verdict as a check shows it."""
        return {"expectations": self.expectation_count, "broken": list(self.broken)}


def validate_frame(frame: pd.DataFrame, *, name: str, expectations: Iterable[Any]) -> Verdict:
    """Check a data frame that is in memory already."""
    with _context() as context:
        asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
        batch = asset.add_batch_definition_whole_dataframe(name).get_batch({"dataframe": frame})
        return _validate(batch, name=name, expectations=expectations)


def validate_query(path: Path, *, name: str, query: str, expectations: Iterable[Any]) -> Verdict:
    """Check the result of a query inside DuckDB, without loading it; the file must not be open in this process."""
    from orchestration.quality.dialect import read_only_url

    with _context() as context:
        source = context.data_sources.add_sql(name, connection_string=read_only_url(path))
        engines = [source.get_engine()]
        try:
            batch = source.add_query_asset(name, query=query).add_batch_definition_whole_table(name).get_batch()
            engines.append(batch.data.execution_engine.engine)
            return _validate(batch, name=name, expectations=expectations)
        finally:
            for engine in engines:  # each pools a connection; the file must be free for the next writer
                engine.dispose()


def library() -> Any:
    """Great Expectations, imported now: quiet, and telling nobody."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports deprecated modules of Python and marshmallow (1.24)
        import great_expectations.expectations
    atexit.register(_forget_library)
    return great_expectations


def _forget_library() -> None:
    """Let go of the library and of the dialect's module constants before the interpreter ends.

    They keep DuckDB's types alive so long that DuckDB's binding prints forty lines about leaks (seen with 1.24,
    duckdb-sqlalchemy 1.5.6.4 and DuckDB 2.0.0); nothing is lost, but a reader of the terminal cannot know that.
    """
    for name in list(sys.modules):
        package = name.partition(".")[0]
        if package == "duckdb_sqlalchemy":
            vars(sys.modules[name]).clear()
        if package in {"duckdb_sqlalchemy", "great_expectations"}:
            del sys.modules[name]
    gc.collect()


@contextmanager
def _context() -> Iterator[Any]:
    gx = library()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations between it, pandas and marshmallow are not ours to mend
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        yield context


def _validate(batch: Any, *, name: str, expectations: Iterable[Any]) -> Verdict:
    suite = library().ExpectationSuite(name=name, expectations=list(expectations))
    outcome = batch.validate(suite, result_format="SUMMARY")
    broken = tuple(_sentence(one) for one in outcome.results if not one.success)
    return Verdict(expectation_count=len(outcome.results), broken=broken)


def _sentence(result: Any) -> str:
    config = result.expectation_config
    column = config.kwargs.get("column") or ", ".join(config.kwargs.get("column_list", ()))
    found = result.result or {}
    seen = found.get("unexpected_count", found.get("observed_value"))
    trouble = (result.exception_info or {}).get("exception_message")
    return f"{config.type}({column}): {trouble or f'found {seen}'}"
