"""Networks: parameters with names and shapes, layers that own them, and the workspaces they compute in.

    parameters       declared by the layers, with first values; one flat buffer, PyTorch names and layout outside
    inputs           what a layer multiplies its input by: values, tokens, embedded tokens; the output layer
    recurrent        one recurrent layer class that serves every cell; two of them, one from each end
    dropout          masks between parts, from counters
    stack            layers upon one another, from tokens or values to what the topmost says
    words            vectors of words, looked up and composed from their characters
    pooling          one vector from the top layer's steps
    network          what every model is; stack → pooling → head, forward and backward over a shard of the batch
    attention        a decoder's look back at its source
    encoder_decoder  two stacks: one reads, or a vector is given; one writes
    segments         a forecast in segments: few long steps in, all steps out at once
    writers          networks that write, token by token or the best answers
    workspace        every array one window needs, and how long its sequences are
    memory           what training will need, counted by what allocates it, before it is taken
    model_file       model and state files

Models check shapes and call kernels; they know neither tasks, nor optimizers, nor files.
"""
