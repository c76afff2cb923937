"""A real S3 server (moto's) for the tests: one request at a time, so that its conditional writes hold; it counts requests by kind."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

BUCKET = "lyo"


@dataclass
class ObjectServer:
    url: str
    requests: Counter[str] = field(default_factory=Counter)

    def new_root(self) -> str:
        return f"s3://{BUCKET}/{uuid4().hex[:12]}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test-key-id",
            "AWS_SECRET_ACCESS_KEY": "test-secret-key",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def running_object_server() -> Iterator[ObjectServer]:
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Silent(WSGIRequestHandler):
        def log(self, *_: object) -> None:
            pass

    app = DomainDispatcherApplication(create_backend_app)
    counted = Counter[str]()

    def counting(environ, start_response):
        query = environ.get("QUERY_STRING", "")
        method = environ["REQUEST_METHOD"]
        counted["LIST" if method == "GET" and "list-type" in query else method] += 1
        return app(environ, start_response)

    server = make_server("127.0.0.1", 0, counting, threaded=False, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found = ObjectServer(f"http://127.0.0.1:{server.server_port}", counted)
    try:
        import boto3

        env = found.environment
        boto3.client(
            "s3", endpoint_url=found.url, region_name="us-east-1",
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"], aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        ).create_bucket(Bucket=BUCKET)  # fmt: skip
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
