"""The main job, from raw images to answers over the network: what `make demo` runs."""
