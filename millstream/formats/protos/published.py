"""The public names of the messages; imported only when the namespace table is generated."""

from millstream.base.export import EXPORTS, Export

PUBLIC = {
    "": (
        "AttrValue ConfigProto Event GPUOptions GraphDef GraphOptions HistogramProto LogMessage "
        "MetaGraphDef NameAttrList NodeDef OptimizerOptions RunMetadata RunOptions SessionLog "
        "Summary SummaryMetadata TensorInfo"
    ),
    "summary.": "Event SessionLog Summary SummaryDescription TaggedRunMetadata",
    "train.": (
        "BytesList ClusterDef Example Feature FeatureList FeatureLists Features FloatList "
        "Int64List JobDef SaverDef SequenceExample ServerDef"
    ),
    "profiler.": "AdviceProto GraphNodeProto MultiGraphNodeProto OpLogProto",
    "contrib.tensorboard.plugins.projector.": "EmbeddingInfo ProjectorConfig SpriteMetadata",
    "contrib.tpu.profiler.": "Device Resource Trace TraceEvent",
}
RENAMED = {"contrib.checkpoint.CheckpointableObjectGraph": "TrackableObjectGraph"}


def publish() -> None:
    """Notes every public message in `EXPORTS`, without building any."""
    names = {prefix + name: name for prefix, all_ in PUBLIC.items() for name in all_.split()}
    for public, name in {**names, **RENAMED}.items():
        EXPORTS[public] = Export(public, "millstream.formats.protos", name, None)


publish()
