"""transcribe: a text for a sequence of features that is not cut into its symbols: speech, handwriting, sensors.

config, task        the keys of the task; the task
recognition         whether a data file without a config is a list of recordings
recordings          the recordings of some data with their transcripts, and the scaling of their features
augmentation        recordings that training sees changed: at another speed, with parts masked
learner             training on recordings, by Connectionist Temporal Classification (CTC)
decoding            transcripts of the outputs of a network
error_rates         character and word error rates, and what is confused with what
baselines           transcripts that need no training
experiment, predictor  the experiment; the predictor
follow              sound that is transcribed as it comes
"""
