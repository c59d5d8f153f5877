"""What threads share at run time: queues, accumulators, barriers, staging areas, readers."""
