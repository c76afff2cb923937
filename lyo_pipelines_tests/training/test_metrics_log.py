"""metrics.jsonl reads the same after a kill as without one."""

from __future__ import annotations

from lyo_pipelines.training.metrics_log import MetricsLog, read_metrics


def test_lines_are_there_at_once_and_in_order(tmp_path):
    log = MetricsLog(tmp_path / "m.jsonl")
    log.write("loading", step=0)
    log.write("training", step=1, loss=2.0, eval_loss=None)
    assert read_metrics(tmp_path / "m.jsonl") == [
        {"stage": "loading", "step": 0},
        {"stage": "training", "step": 1, "loss": 2.0},
    ]
    log.close()


def test_resuming_drops_what_the_killed_run_wrote_beyond_its_checkpoint(tmp_path):
    path = tmp_path / "m.jsonl"
    log = MetricsLog(path)
    for step in range(1, 6):
        log.write("training", step=step, seconds=step * 2.0)
    log.close()
    with path.open("ab") as handle:
        handle.write(b'{"stage": "train')  # killed in the middle of a line
    again = MetricsLog(path, resume_step=3)
    assert again.seconds_before == 6.0
    for step in (4, 5):
        again.write("training", step=step)
    again.close()
    assert [row["step"] for row in read_metrics(path)] == [1, 2, 3, 4, 5]


def test_no_file_and_strange_lines_are_no_error(tmp_path):
    assert read_metrics(tmp_path / "absent") == []
    (tmp_path / "m.jsonl").write_bytes(b'[1]\n\xff\n{"stage": "done"}\n')
    assert read_metrics(tmp_path / "m.jsonl") == [{"stage": "done"}]
