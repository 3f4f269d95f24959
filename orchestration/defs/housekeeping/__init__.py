"""What every run needs: resources, executor, and the serving copy for BI."""
