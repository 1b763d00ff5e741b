"""Networks: parameters with names and shapes, layers that own them, and the workspaces they compute in.

    parameters       declared by the layers, with first values; one flat buffer, PyTorch names and layout outside
    inputs           products of a layer's input and weights: values, tokens, embedded tokens; the output layer
    recurrent        one recurrent layer class that serves every cell; two of them, one from each end
    dropout          masks between parts, from counters
    stack            layers on top of one another, from tokens or values to the outputs of the topmost
    words            vectors of words, looked up and composed from their characters
    crf              a chain of tags over the outputs of all steps
    pooling          one vector from the top layer's steps
    network          the base of every model; stack → pooling → head, forward and backward over a shard of the batch
    attention        attention of a decoder over its source
    encoder_decoder  two stacks: one reads, or a vector is given; one writes
    ensemble         several models whose weights are those of one
    segments         a forecast in segments: few long steps in, all steps out at once
    writers          networks that write token by token, or search for the best answers
    workspace        every array that one window needs, and the lengths of its sequences
    memory           the memory that training will need, counted by the allocating code before it is allocated
    onnx             the same in ONNX, for other programs
    model_file       model and state files
    foreign_file     weights that other programs saved
    foreign          networks of other programs, told by the names and shapes of their arrays

Models check shapes and call kernels; they know neither tasks, nor optimizers, nor files.
"""
