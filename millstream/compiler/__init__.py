"""From fetches and feeds to something that runs: plans, regions, executables."""
