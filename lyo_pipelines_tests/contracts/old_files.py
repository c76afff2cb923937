"""Manifests as earlier versions of this program wrote them, word for word but for the length of their lists."""

DATASET_BEFORE_PARENTS = """{
  "manifest_version": 1,
  "segment": "tutoring.en.math",
  "fingerprint": "0a1b2c3d4e5f6071",
  "created_at": "2026-09-01T10:00:00.250000+00:00",
  "task_format": {"task": "tutoring", "version": "tutoring-1"},
  "parent": null,
  "remembers": ["feedfeedfeedfeed"],
  "counts": {"train": 48, "validation": 6, "test": 6},
  "strata_by": ["language", "subject", "grade", "topic"],
  "strata": {"en · math · 7 · ratios": {"train": 48, "validation": 6, "test": 6}},
  "strata_not_listed": 0,
  "examples_by_day": {"2026-08-31": 60},
  "lengths": {"messages": {"p00": 3.0, "p25": 3.0, "p50": 3.0, "p75": 3.0, "p95": 3.0, "p99": 3.0, "p100": 5.0}},
  "groups": {
    "groups": 60, "by_split": {"train": 48, "validation": 6, "test": 6}, "new": 60, "known": 0, "merged_into_held_out": 0,
    "largest": [{"group_id": "00000000000000ff", "split": "train", "examples": 1, "share": 0.016667}]
  },
  "near_duplicates": {"distinct_texts": 60, "clusters_of_several": 0, "texts_in_them": 0, "largest": 1},
  "source_days": ["2026-08-31"],
  "interactions_read": 80,
  "funnel": [{"rule": "repeated_example", "removed": 20, "remaining": 60}],
  "removed_by_rule": {"repeated_example": 20},
  "leakage": [
    {
      "name": "no_shared_group", "passed": true, "message": "no groups or conversations in two splits", "details": {"found": 0},
      "blocking": true
    }
  ],
  "benchmarks": [{"name": "exam", "items": 1, "on_overlap": "exclude"}],
  "rule_versions": {"curation": 1, "pool": ["segment_minimum"]},
  "figures": {"fractions": {"train": 0.8, "validation": 0.1, "test": 0.1}, "split_key": "k", "licence": "other", "contact": ""}
}
"""

PREFERENCES_WITHOUT_VERSION = """{
  "segment": "tutoring.en.math",
  "fingerprint": "1111222233334444",
  "created_at": "2026-10-01T10:00:00+00:00",
  "remembers": ["tutoring.en.math/0a1b2c3d4e5f6071"],
  "segments": {"tutoring.en.math": 60},
  "answers": 40,
  "held_out": 4,
  "kto": {"train": {"bad": 9, "good": 9}, "validation": {"bad": 1, "good": 1}},
  "kto_before_balancing": {"train": {"bad": 9, "good": 20}, "validation": {"bad": 1, "good": 3}},
  "dpo": {"train": {"edit": 3, "two_answers": 2}},
  "figures": {"pairs_per_question": 4, "minimum_labels": 20, "minimum_pairs": 10, "good_rating": 4, "bad_rating": 2}
}
"""

ADAPTER_WITHOUT_VERSION = """{
  "segment": "tutoring.en.math",
  "version": "owner-0123456789ab",
  "dataset_fingerprint": "0a1b2c3d4e5f6071",
  "recipe": {"name": "owner", "lora": {"r": 8, "dropout": 0.1}, "optimizer": {"learning_rate": 0.0002}},
  "method": "lora",
  "base_model": {"name": "tiny", "hub_id": null, "licence": null, "label": "a made model", "sha256": null},
  "stopped_early": false,
  "examples": {"train": 48, "validation": 6},
  "truncated": {"train": {"answer": 1}, "validation": {}},
  "metrics": {
    "steps": 6, "best_step": 5, "loss": NaN, "eval_loss": 1.5, "first_eval_loss": 2.25, "validations": 3,
    "tokens_per_second": 812.5, "planned_steps": 6, "epochs": 1.0, "tokens": 9000, "seconds": 11.07, "peak_memory_bytes": 900000000
  },
  "cost": {"amount": 0.0, "per_hour": 0.0, "currency": "EUR"},
  "libraries": {"python": "3.11.9", "torch": "2.13.0"},
  "files": {"adapter_model.safetensors": "0000000000000000000000000000000000000000000000000000000000000000"}
}
"""
