"""What every run gets: resources, and an executor that keeps all steps in one process.

A process for each step costs three to seven seconds on two cores, and the warehouse file has one writer anyway.
"""

import dagster as dg

from orchestration.progress import progress_logger
from orchestration.resources import make_resources
from orchestration.settings import load_deployment


@dg.definitions
def platform() -> dg.Definitions:
    """Resources of the deployment that the environment names."""
    return dg.Definitions(
        resources=make_resources(load_deployment()),
        executor=dg.in_process_executor,
        loggers={"console": dg.colored_console_logger, "progress": progress_logger},
    )
