"""FLOPs, bytes, memory and step time from a model configuration and probes."""
