"""Names that vulture takes for unused: what is found by its name, its folder or its place in a file.

Each group says who uses it. A name that nobody but a test uses does not belong here: delete it, or use it.
"""

# fields of documents and tables: written and read by their name, by programs or people outside
schema_version
audit_version
ceiling
manifest_version
decoding
rule_versions
interactions_read
good_rating
examples_by_day
planned_steps
preference_fingerprint
libraries
stopped_early
best_global_step
splits
read_by_segment
raw_digest
raw_bytes
source_url
ended_by
do
country
time_zone
architecture
value_current
users_current
n_current
verdict_confidence

# columns of an arm: read by name for every measure
times_n
retries_n
log_ms_sum
cultural_n

# configuration keys that are read by name (`getattr`), or laid under the entries of a list
table_defaults
judge_defaults
endpoint_defaults
lower_word
capital_word
spaces
typographic
devanagari
indic_word
quality_minimum_survival
quality_minimum_rated_share
quality_minimum_mean_rating
quality_maximum_pii_rate
quality_maximum_missing_share
quality_maximum_language_mismatch
quality_maximum_error_share
quality_maximum_duplicate_share

# definitions that Dagster finds in their folder
retraining_signals
evaluation_checks
prefer_job
rollout_sensor
trigger_sensors

# metrics that are loaded by the path of their file
AboveGrade
CheckedAnswer
Chrf
LanguageMatch
LengthRatio
Loss
Relevance
Repetition
RougeL
SentenceLength
SolutionFirst
TellsSolution

# parts of benchmarks chosen by name on the command line
duckdb_script
stationary

# attributes that libraries read
lora_adapters  # xllamacpp, and all up to verbosity
lora_init_without_apply
n_ctx
n_parallel
n_threads
fit_params
n_batch
n_ubatch
cache_ram_mib
api_keys
hostnames
endpoint_slots
endpoint_props
endpoint_metrics
ui
n_threads_http
verbosity
has_canonical_format  # scipy.sparse
pre_tokenizer  # tokenizers
_none_in_words  # pydantic
capture_signals  # uvicorn

# found by Dagster in its folder
verify_schedule
retention_schedule  # jobs and schedules: loaded by Dagster from their module
plan_erasure_job
erase_job
search_job
audit_privacy_job
