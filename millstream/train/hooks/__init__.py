"""Hooks of monitored sessions: savers, loggers, stoppers; re-exported from their modules."""

from millstream.train.hooks.checkpoints import CheckpointSaverHook, CheckpointSaverListener
from millstream.train.hooks.final import FeedFnHook, FinalOpsHook
from millstream.train.hooks.logging_tensor import LoggingTensorHook
from millstream.train.hooks.profiling import ProfilerHook
from millstream.train.hooks.step_counter import StepCounterHook
from millstream.train.hooks.stopping import (
    GlobalStepWaiterHook,
    NanLossDuringTrainingError,
    NanTensorHook,
    StopAtStepHook,
)
from millstream.train.hooks.summaries import SummarySaverHook
from millstream.train.hooks.timers import NeverTriggerTimer, SecondOrStepTimer
