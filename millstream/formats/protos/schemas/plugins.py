"""Configurations that summaries carry for TensorBoard's plugins."""

SCHEMA = """
package tensorboard

ScalarPluginData: version=1 int32
HistogramPluginData: version=1 int32
ImagePluginData: version=1 int32; converted_to_tensor=2 bool
AudioPluginData: version=1 int32; encoding=2 Encoding; converted_to_tensor=3 bool
enum AudioPluginData.Encoding: UNKNOWN=0; WAV=11
TextPluginData: version=1 int32
PrCurvePluginData: version=1 int32; num_thresholds=2 uint32
"""
