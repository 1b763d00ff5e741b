"""Networks in ONNX, the exchange format of models, written without a package for it.

    protobuf     the messages of a model file as bytes
    graph        nodes, constants, inputs and outputs, put together by name
    recurrent    a recurrent layer, as an operator of ONNX or step by step
    network      the network of a `NetworkShape`: what it reads, its layers, poolings and head
    segments     a segment network

Files are of IR version 8 and operator set 14, which every program since 2021 reads. Arrays are time-major, as
everywhere here. What has no form in ONNX raises UsageError, which says what to use instead.
"""
