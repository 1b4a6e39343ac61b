"""Pipelines: chains of jobs and deployments in a YAML file, run so that a repetition goes on where it stopped.

name: prune-and-serve
parameters: {data: digits}
steps:
  dense:
    plugin: dense-training
    inputs: {model: "zoo:mlp", data: "${parameters.data}"}
    config: {recipe.epochs: 5}
    seed: 0
  serve:
    deploy: digits
    artifact: ${steps.dense.outputs.model}
"""

from palmette.pipelines.checking import check_pipeline
from palmette.pipelines.definition import DeployStep, JobStep, Pipeline, load_pipeline
from palmette.pipelines.running import StepOutcome, run_pipeline

__all__ = ["DeployStep", "JobStep", "Pipeline", "StepOutcome", "check_pipeline", "load_pipeline", "run_pipeline"]
