"""Networks: parameters with names and shapes, layers that own them, and the workspaces they compute in.

    parameters       one flat buffer, named views of it, the same for gradients; PyTorch names and layout outside
    initialisation   first values, the same on every machine
    inputs           what a layer multiplies its input by: values, tokens, embedded tokens
    recurrent        one recurrent layer class that serves every cell
    bidirectional    two of them, one from each end, as one layer
    dropout          masks between parts, from counters
    stack            layers upon one another, from tokens or values to what the topmost says
    words            vectors of words, looked up and composed from their characters
    pooling          one vector from the top layer's steps
    head             the linear output layer
    network          stack → pooling → head, forward and backward over a shard of the batch
    token_writer     the weights and states of a network that writes
    attention        a decoder's look back at its source
    encoder_decoder  two stacks: one reads, or a vector is given; one writes
    pair_writer      the best answers of an encoder-decoder
    segments         a forecast in segments: few long steps in, all steps out at once
    ensemble         several models in one buffer
    memory           what training will need, before it is taken
    workspace        every array one window needs, planned once, and how long its sequences are

Models check shapes and call kernels; they know neither tasks, nor optimizers, nor files.
"""
