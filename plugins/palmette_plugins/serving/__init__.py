"""Export of trained models for inference, and the code that runs them inside Triton's Python backend."""
