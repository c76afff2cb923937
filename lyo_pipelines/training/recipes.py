"""A recipe: every figure of one training, validated. Reading recipe files and overrides belongs to `recipe_loading.py`.

Each section is one pydantic model; the commented defaults with the configured values stand in recipe_files/owner.yaml.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lyo_pipelines.config.addresses import WithoutCredentials

Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


class _RecipeSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Lora(_RecipeSection):
    """The adapter's shape (Hu et al. 2021, https://arxiv.org/abs/2106.09685)."""

    r: Positive = 16
    alpha: Annotated[float, Field(gt=0)] = 32
    dropout: Share = 0.1
    target_modules: list[str] | None = Field(
        default=None, description="module names; null: all linear layers of attention and MLP"
    )


class Optimizer(_RecipeSection):
    """AdamW and its learning-rate schedule, which always ends where the training is planned to end."""

    learning_rate: Annotated[float, Field(gt=0)] = 2e-4
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup_ratio: Share = 0.03
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: Annotated[float, Field(ge=0)] = 1.0


class BatchSection(_RecipeSection):
    """How examples are put together. `size * accumulation` examples make one optimizer step."""

    size: Positive = 4
    accumulation: Positive = 4
    max_length: Positive | dict[str, Positive] = Field(
        default=512, description="tokens; one number, or by task with a `default`"
    )
    group_by_length: bool = Field(
        default=True, description="put examples of similar length into one batch: less padding"
    )
    padding_free: bool = Field(
        default=False, description="the examples of a batch in one row, kept apart by their positions: no padding"
    )

    @model_validator(mode="after")
    def _needs_default(self) -> BatchSection:
        if isinstance(self.max_length, dict) and "default" not in self.max_length:
            raise ValueError("max_length by task needs an entry `default`")
        return self

    def max_length_of(self, task: str) -> int:
        """The longest example in tokens for a task (`tutoring`, …)."""
        if isinstance(self.max_length, int):
            return self.max_length
        return self.max_length.get(task, self.max_length["default"])


class BudgetSection(_RecipeSection):
    """When training ends: the first of these; the schedule is planned to end exactly there."""

    epochs: Annotated[float, Field(gt=0)] = 3
    tokens: Positive | None = Field(default=None, description="non-padding tokens, prompts included")
    steps: Positive | None = Field(default=None, description="optimizer steps")


class Validation(_RecipeSection):
    """Validation loss during training. Intervals are optimizer steps; null: about eight times in the whole training, less often
    where that took more than a fifth of what training takes."""

    interval: Positive | None = None
    max_examples: Positive | None = Field(
        default=None, description="a fixed seeded sample of the validation split; null: all"
    )
    patience: Positive | None = Field(
        default=3, description="stop after so many validations without a better loss; null: never"
    )
    min_delta: Annotated[float, Field(ge=0)] = 0.0


class Checkpoints(_RecipeSection):
    """What a killed run resumes from. A checkpoint is also made at every validation."""

    interval: Positive | None = Field(default=None, description="optimizer steps; null: at validations only")
    keep: Positive = Field(default=2, description="newest complete checkpoints kept; the best one is always kept too")


class Logging(_RecipeSection):
    """Where progress goes beside metrics.jsonl."""

    interval: Positive = Field(default=1, description="optimizer steps between two lines of metrics.jsonl")
    tracking: Literal["tensorboard", "mlflow", "wandb", "none"] = "tensorboard"
    tracking_uri: WithoutCredentials | None = Field(
        default=None,
        description="where the server of mlflow or wandb is; null: SQLite, or files to be synchronised, in data/tracking",
    )


class Speed(_RecipeSection):
    """Settings that change the speed and not what is learnt (beyond rounding). benchmarks/training_cpu.py measures each."""

    loss_positions_only: bool = Field(
        default=True, description="project only positions in the loss through the output head"
    )
    fused_lora: bool = Field(
        default=True, description="one autograd step per adapted layer, LoRA products in the base model's dtype"
    )
    attention: Literal["auto", "eager", "sdpa", "flash_attention_2", "flex_attention"] = "auto"
    gradient_checkpointing: bool = False
    compile: bool = Field(
        default=False, description="torch.compile of each block; pays on long GPU runs, not within minutes on a CPU"
    )
    threads: Positive | None = Field(default=None, description="CPU threads; null: all cores this process may use")


class Mixing(_RecipeSection):
    """How much of an epoch each segment gets where one adapter learns several (see mixing.py). Default: in proportion to size."""

    temperature: Annotated[float, Field(ge=1)] = Field(
        default=1.0, description="share in proportion to size ** (1 / temperature): 1 as large as it is, higher evener"
    )
    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default={},
        description="share by segment or parent, instead of the temperature; one that is not named gets nothing",
    )
    maximum_repeats: Annotated[float, Field(ge=1)] = Field(
        default=4.0, description="no example is seen more often than this in one epoch"
    )

    @property
    def proportional(self) -> bool:
        """Whether every example is simply seen once an epoch."""
        return self.temperature == 1 and not self.weights


class Preference(_RecipeSection):
    """Preference tuning on top of the segment's adapter (`method: kto` or `dpo`)."""

    beta: Annotated[float, Field(gt=0)] = Field(
        default=0.1, description="how strongly the tuned model is held to the adapter it starts from"
    )
    desirable_weight: Annotated[float, Field(ge=0)] = Field(default=1.0, description="of good answers (kto)")
    undesirable_weight: Annotated[float, Field(ge=0)] = Field(default=1.0, description="of bad answers (kto)")


class Reinforcement(_RecipeSection):
    """Learning from the adapter's own answers (`method: grpo`): what is rewarded, and the guards that end the training."""

    generations: Annotated[int, Field(ge=2)] = Field(default=4, description="answers that are written to one question")
    max_new_tokens: Positive = Field(
        default=256, description="tokens of an answer; an unfinished one is rewarded with 0"
    )
    temperature: Annotated[float, Field(gt=0)] = Field(default=1.0, description="at which the answers are drawn")
    beta: Annotated[float, Field(gt=0)] = Field(
        default=0.04, description="how strongly the tuned model is held to the adapter it starts from (KL in the loss)"
    )
    rewards: dict[Literal["right_answer", "predicted_rating"], Annotated[float, Field(ge=0)]] = Field(
        default={"right_answer": 1.0, "predicted_rating": 0.25}, description="weights; 0 leaves one out"
    )
    minimum_questions: Annotated[int, Field(ge=2)] = Field(
        default=40, description="questions of the train split with a reward, to start at all"
    )
    minimum_ratings: Annotated[int, Field(ge=40)] = Field(
        default=400, description="rated answers for a model of ratings and its judge, half of them each"
    )
    max_kl: Annotated[float, Field(gt=0)] = Field(
        default=0.5, description="guard: nats per token away from the start, on validation questions"
    )
    max_length_ratio: Annotated[float, Field(gt=1)] = Field(
        default=1.5, description="guard: tokens of an answer against the start's, on validation questions"
    )
    judge_tolerance: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0, description="guard: how far (of 0 to 1) a held-out judge may fall while the reward rises"
    )
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = Field(
        default=0.9, description="of the intervals by which a rise and a fall are shown"
    )

    @model_validator(mode="after")
    def _rewards_something(self) -> Reinforcement:
        if not any(self.rewards.values()):
            raise ValueError("reinforcement.rewards: give right_answer or predicted_rating a weight above 0")
        return self


class Cost(_RecipeSection):
    """What an hour on this machine costs; 0 says that it is not charged."""

    per_hour: Annotated[float, Field(ge=0)] = 0.0
    currency: str = "USD"


class Memory(_RecipeSection):
    """What is done when the estimate of memory.py says that a training will not fit."""

    refuse_above: Annotated[float, Field(gt=0)] | None = Field(
        default=1.25, description="refuse to start when the estimate is more than this times what is free; null: never"
    )


class Recipe(_RecipeSection):
    """One training, fully described. Two equal recipes on the same dataset version make the same adapter version."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,40}$")]
    base_model: str = Field(description="a name of base_models.py, a hub id, or a local folder")
    method: Literal["lora", "qlora", "full", "kto", "dpo", "grpo"] = Field(
        default="lora",
        description=(
            "qlora: LoRA on a base model held in 4 bits (NF4); full: every weight is learnt; kto, dpo: preferences; "
            "grpo: rewards for its own answers"
        ),
    )
    dtype: Literal["float32", "bfloat16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    devices: Positive | Literal["auto"] = Field(
        default=1, description="processes on this machine, a GPU each; auto: every GPU, or every core where that pays"
    )
    nodes: Positive = Field(default=1, description="machines, each with so many devices")
    sharding: Literal["none", "ddp", "fsdp"] = Field(
        default="none", description="how processes share the work: ddp, a whole model each; fsdp, a part of it each"
    )
    images: Literal["refuse", "leave_out", "learn"] = Field(
        default="refuse",
        description="examples that show pictures: refuse such data, leave them out (counted), or learn them (a base that sees)",
    )
    seed: int = 7
    lora: Lora = Lora()
    optimizer: Optimizer = Optimizer()
    batch: BatchSection = BatchSection()
    budget: BudgetSection = BudgetSection()
    validation: Validation = Validation()
    checkpoints: Checkpoints = Checkpoints()
    logging: Logging = Logging()
    speed: Speed = Speed()
    mixing: Mixing = Mixing()
    preference: Preference = Preference()
    reinforcement: Reinforcement = Reinforcement()
    cost: Cost = Cost()
    memory: Memory = Memory()

    @model_validator(mode="after")
    def _compares(self) -> Recipe:
        if self.method == "kto" and self.batch.size < 2:
            raise ValueError(
                "method kto needs batch.size of at least 2: each answer is compared with others of its batch"
            )
        answers, each = self.batch.size * self.batch.accumulation, self.reinforcement.generations
        if self.method == "grpo" and answers % each:
            raise ValueError(
                f"method grpo: the {answers} answers of a step (batch.size x batch.accumulation) are not whole groups of "
                f"{each} to one question (reinforcement.generations)"
            )
        return self

    @model_validator(mode="after")
    def _sees(self) -> Recipe:
        if self.images != "learn":
            return self
        if self.method != "lora" or self.sharding != "none" or self.batch.padding_free or self.speed.compile:
            raise ValueError(
                "images: learn goes with method lora on one device, without batch.padding_free and speed.compile: nothing else "
                "was tried with pictures"
            )
        return self

    @model_validator(mode="after")
    def _shares_the_work(self) -> Recipe:
        several = self.devices != 1 or self.nodes > 1
        if several and self.sharding == "none":
            raise ValueError(
                f"devices {self.devices} on {self.nodes} node(s) needs sharding: ddp (a whole model on each) or fsdp (a part each)"
            )
        if several and self.method in TUNING_METHODS:
            raise ValueError(f"method {self.method} trains on one device: devices 1, nodes 1, sharding none")
        if self.sharding == "fsdp" and self.method != "lora":
            raise ValueError(
                f"sharding fsdp splits the base of an adapter (method lora), not method {self.method}: take sharding ddp"
            )
        if self.sharding == "fsdp" and self.speed.compile:
            raise ValueError("sharding fsdp goes without speed.compile")
        if self.devices != "auto" and self.batch.accumulation % (self.devices * self.nodes):
            raise ValueError(
                f"the {self.batch.accumulation} micro-batches of a step (batch.accumulation) cannot be dealt evenly to "
                f"{self.devices * self.nodes} processes"
            )
        return self

    @property
    def unused_later_sections(self) -> set[str]:
        """Sections added after the first adapters were made, where they are as if they were not there."""
        later = {
            "mixing": Mixing(),
            "preference": Preference(),
            "images": "refuse",
            "reinforcement": Reinforcement(),
        }
        return {name for name, default in later.items() if getattr(self, name) == default}


TRACKED_BY_PROCESS = {"mlflow": "mlflow", "wandb": "wandb"}
"""Trackers that a process of their own speaks to, with the package that each needs."""
PREFERENCE_METHODS = ("kto", "dpo")
"""Methods that learn from preferences, on top of an adapter."""
REINFORCEMENT_METHOD = "grpo"
"""The method that learns from rewards for the adapter's own answers."""
TUNING_METHODS = (*PREFERENCE_METHODS, REINFORCEMENT_METHOD)
"""Methods that tune an adapter further."""
FOUR_BIT_METHOD = "qlora"
"""The method whose base model is held in 4 bits, in training and wherever its adapter is asked."""
WITHOUT_EFFECT_ON_WEIGHTS = ("name", "checkpoints", "logging", "cost", "memory", "devices", "nodes", "sharding")
"""Left out of the adapter version: changing them changes no weight (beyond rounding, of the last three)."""
