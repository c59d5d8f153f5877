"""Which theme of `protos.schemas` declares each top-level message and enum."""

THEMES = {
    "types": (
        "DataType TensorShapeProto TensorSliceProto VersionDef ResourceHandleProto TensorProto "
        "VariantTensorDataProto NamedTensorProto"
    ),
    "status": "Code",
    "graph": (
        "AttrValue NameAttrList NodeDef OpDef OpDeprecation OpList KernelDef KernelList "
        "FunctionDefLibrary FunctionDef GradientDef GraphDef CppShapeInferenceResult "
        "CppShapeInferenceInputsNeeded"
    ),
    "summary": (
        "SummaryDescription HistogramProto SummaryMetadata Summary WorkerHealth "
        "WorkerShutdownMode Event LogMessage SessionLog TaggedRunMetadata WatchdogConfig "
        "WorkerHeartbeatRequest WorkerHeartbeatResponse"
    ),
    "stats": (
        "AllocationDescription TensorDescription AllocationRecord AllocatorMemoryUsed NodeOutput "
        "MemoryStats NodeExecStats DeviceStepStats StepStats CostGraphDef MemoryLogStep "
        "MemoryLogTensorAllocation MemoryLogTensorDeallocation MemoryLogTensorOutput "
        "MemoryLogRawAllocation MemoryLogRawDeallocation InterconnectLink LocalLinks "
        "DeviceLocality DeviceAttributes DeviceProperties NamedDevice"
    ),
    "config": (
        "JobDef ClusterDef DebugTensorWatch DebugOptions DebuggedSourceFile DebuggedSourceFiles "
        "VerifierConfig AutoParallelOptions ScopedAllocatorOptions RewriterConfig GPUOptions "
        "OptimizerOptions GraphOptions ThreadPoolOptionProto RPCOptions SessionMetadata "
        "ConfigProto RunOptions RunMetadata TensorConnection CallableOptions ServerDef"
    ),
    "saved": (
        "VariableSynchronization VariableAggregation VariableDef SaveSliceInfoDef QueueRunnerDef "
        "ReaderBaseState ValuesDef ControlFlowContextDef CondContextDef WhileContextDef SaverDef "
        "StructuredValue "
        "NoneValue ListValue TupleValue DictValue PairValue NamedTupleValue TensorSpecProto "
        "TypeSpecProto TrackableObjectGraph SavedObjectGraph SavedObject SavedUserObject "
        "SavedAsset SavedFunction SavedConcreteFunction SavedBareConcreteFunction SavedConstant "
        "SavedVariable FunctionSpec SavedResource GraphDebugInfo MetaGraphDef CollectionDef "
        "TensorInfo SignatureDef AssetFileDef SavedModel"
    ),
    "checkpoint": (
        "BundleHeaderProto BundleEntryProto SavedSliceMeta SavedTensorSliceMeta SavedSlice "
        "SavedTensorSlices CheckpointState"
    ),
    "example": (
        "BytesList FloatList Int64List Feature Features FeatureList FeatureLists Example "
        "SequenceExample VarLenFeatureProto FixedLenFeatureProto FeatureConfiguration "
        "ExampleParserConfiguration"
    ),
    "contrib": "SpriteMetadata EmbeddingInfo ProjectorConfig HParamDef",
    "plugins": (
        "ScalarPluginData HistogramPluginData ImagePluginData AudioPluginData TextPluginData "
        "PrCurvePluginData"
    ),
    "tfprof": (
        "CodeDef OpLogEntry OpLogProto ProfileProto ProfileNode ExecProfile ExecTime ExecMemory "
        "Tuple Memory TFProfTensorProto GraphNodeProto MultiGraphNodeProto AdviceProto"
    ),
    "trace": "Trace Device Resource TraceEvent",
}

THEME_OF = {name: theme for theme, names in THEMES.items() for name in names.split()}
