"""Trace events of a profile."""

SCHEMA = """
package tensorflow.profiler

Trace: devices=1 map<uint32,Device>; trace_events=4 repeated TraceEvent
Device: name=1 string; device_id=2 uint32; resources=3 map<uint32,Resource>
Resource: name=1 string; resource_id=2 uint32
TraceEvent: device_id=1 uint32; resource_id=2 uint32; name=3 string; timestamp_ps=9 uint64;
    duration_ps=10 uint64; args=11 map<string,string>
"""
