"""The sections `training` and `tune`: how long, how fast and with which method, and what to search."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from rnncli.config.chosen import Chosen, chosen
from rnncli.config.section import Count, Duration, Section
from rnncli.config.values import refusal, searched

KEEPERS = {"beta1": ("momentum", "adam", "adamw"), "beta2": ("rmsprop", "adam", "adamw")}  # the optimizers that use it
LARGEST_SEED = 2**63 - 1
MOST_SHARDS = 64
DEFAULT_PRECISION: Final = "float32"
Precision = Literal["float32", "bfloat16"]


class TrainingConfig(Section):
    """The training: how long, how fast, and with which method."""

    epochs: Chosen[Count] = chosen(
        "How many times to pass through the training data; null is chosen from the data: the less there are, the more "
        "often.",
        before=20,
    )
    updates: Count | None = Field(
        default=None,
        description="Train for so many updates, if epochs does not end it before; null is all updates of epochs. A run "
        "for a given max_time notes here how many it planned.",
    )
    max_time: Duration | None = chosen(
        "Train for this long: 8s, 10m, 1h30m. Where epochs and updates are null, as many updates are planned as fill "
        "it; else it ends them. null is at most 5m where those are null, and else no limit.",
        before=None,
    )
    batch_size: Chosen[Count] = chosen(
        "The number of sequences trained side by side; null is chosen from the data.", before=32
    )
    optimizer: Literal["sgd", "momentum", "rmsprop", "adam", "adamw"] = Field(
        default="adam", description="The optimizer that turns gradients into updates."
    )
    beta1: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None,
        description="How much of the mean of earlier gradients is kept (momentum, adam, adamw); null is 0.9.",
    )
    beta2: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None,
        description="How much of the mean of earlier squared gradients is kept (rmsprop, adam, adamw); null is 0.999, "
        "of rmsprop 0.99.",
    )
    weight_decay: Annotated[float, Field(ge=0, le=10)] | None = Field(
        default=None,
        description="The share of the weights, times the learning rate, by which each update shrinks them, besides "
        "what the gradient does (decoupled, with every optimizer); null is 0.01 of adamw, else 0.",
    )
    learning_rate: Chosen[Annotated[float, Field(gt=0)]] = chosen(
        "The learning rate at the start of the schedule; null is chosen from the data.", before=2e-3
    )
    warmup: int = Field(
        default=0,
        ge=0,
        le=10**9,
        description="For so many updates the learning rate rises evenly up to the one with which the schedule begins.",
    )
    schedule: Literal["constant", "cosine", "step", "plateau"] = Field(
        default="cosine",
        description="How the learning rate falls: cosine, to 0; step, to a tenth after half of the run and a "
        "hundredth after three quarters; plateau, by half when validation stops improving.",
    )
    clip_norm: float | None = Field(
        default=5.0,
        gt=0,
        description="Scale the gradient down to this global norm when it is larger; null never clips.",
    )
    patience: Count | None = chosen(
        "Stop after this many evaluations without a better one; null is chosen from the data where epochs "
        "is null, and else never stops early.",
        before=None,
    )
    on_divergence: Literal["stop", "halve"] = Field(
        default="stop",
        description="What to do where the loss or the gradient is not finite, or the loss absurdly large: stop, or go "
        "back to the last evaluation and on with half the learning rate, up to ten times.",
    )
    weight_averaging: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="Also keep an average of the weights, of which each update keeps this much, such as 0.999; every "
        "evaluation judges it beside the weights, and the better of both may be the best. null is no average.",
    )
    seed: int = Field(
        default=1,
        ge=0,
        le=LARGEST_SEED,
        description="The seed of every random choice; the same seed gives the same model.",
    )
    precision: Precision = Field(
        default=DEFAULT_PRECISION,
        description="What the factors of matrix products are rounded to; sums, weights and states stay float32. With "
        "bfloat16 training takes 0.6 to 0.7 of the time on a Zen 4, which multiplies it.",
    )
    shards: Annotated[int, Field(ge=1, le=MOST_SHARDS)] | None = Field(
        default=None,
        description="Cut each batch into so many groups of sequences, a power of two, and add up their gradients as a "
        "binary tree; null is 1. Any number of ranks that divides it may share the work, with the same result.",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="The number of CPU threads; null is all cores. The result does not depend on it.",
    )

    @field_validator("shards")
    @classmethod
    def _halve_the_batch(cls, shards: int | None, info: ValidationInfo) -> int | None:
        batch_size = info.data.get("batch_size")
        if shards and shards & (shards - 1):
            raise refusal(f"must be a power of two, such as {1 << (shards.bit_length() - 1)}")
        if shards and batch_size and shards > batch_size:
            raise refusal(f"must be at most training.batch_size, which is {batch_size}")
        return shards

    @field_validator("beta1", "beta2")
    @classmethod
    def _optimizer_keeps_it(cls, beta: float | None, info: ValidationInfo) -> float | None:
        name = info.data.get("optimizer")
        keepers = KEEPERS[str(info.field_name)]
        if beta is not None and name is not None and name not in keepers:
            raise refusal(f"must be null when training.optimizer is {name}; only {', '.join(keepers)} keep that mean")
        return beta


class SeededTrainingConfig(TrainingConfig):
    """Training of several networks side by side."""

    seeds: int = Field(
        default=1,
        ge=1,
        le=100,
        description="The number of networks to train side by side, from seeds that follow training.seed; the answer is "
        "the mean of their probabilities, of forecasts the median.",
    )

    @field_validator("seeds")
    @classmethod
    def _follow_the_seed(cls, seeds: int | None, info: ValidationInfo) -> int | None:
        if seeds and info.data.get("seed", 0) + seeds > LARGEST_SEED + 1:
            raise refusal("must leave room for the seeds that follow training.seed; lower that")
        return seeds


class TruncatedTrainingConfig(TrainingConfig):
    """Training that may truncate backpropagation through time."""

    bptt: Chosen[Count] = chosen(
        "Truncated backpropagation through time: how many steps gradients flow back (k2); null leaves it to the task.",
        before=None,
    )


class TuneConfig(Section):
    """The search for settings, which `rnncli tune` alone reads."""

    over: Annotated[dict[str, Any], BeforeValidator(searched)] = Field(
        default={},
        description="What to search, by key: a range such as 16..256, 5e-4..1e-2:log or 0..0.5:step=0.1, or a list. "
        "Empty is what the config itself suggests.",
    )
    trials: Count | None = Field(
        default=None, description="How many trials a study has; null is 27, or as many as max_time has room for."
    )
    max_time: Duration | None = Field(
        default=None, description="Search for this long: 30m, 2h. null is until all trials are done."
    )
