"""Calls handlers of a checkout of the reference package, as its platform would, and times them.

    reference_driver.py FOLDER deployed|kept

Reads one job a line, {"module", "events"}, calls `lambda_handler` with each event, and writes
{"ms": [...], "answer"} for it, the answer that of the last event. `kept` takes out what the
package does on every call without need: making an AWS session and its clients, and reading the
secret. Nothing of the package is changed on disk or copied.
"""

import importlib
import json
import logging
import os
import sys
import time


class Kept:
    """A session that makes each client once, and whose secret is read once."""

    def __init__(self, session):
        self.session, self.clients, self.secrets = session, {}, {}
        self.region_name = session.region_name

    def client(self, service_name, **options):
        if service_name not in self.clients:
            client = self.session.client(service_name, **options)
            if service_name == "secretsmanager":
                read = client.get_secret_value

                def get_secret_value(SecretId):
                    if SecretId not in self.secrets:
                        self.secrets[SecretId] = read(SecretId=SecretId)
                    return self.secrets[SecretId]

                client.get_secret_value = get_secret_value
            self.clients[service_name] = client
        return self.clients[service_name]


def main():
    folder, manner = sys.argv[1:]
    # A checkout stays as it is: no __pycache__ beside its files.
    sys.dont_write_bytecode = True
    sys.path.insert(0, folder)
    # The package logs whole events; a null sink spares it the terminal, not the formatting.
    logging.getLogger().addHandler(logging.StreamHandler(open(os.devnull, "w", encoding="utf-8")))
    answers, sys.stdout = sys.stdout, sys.stderr
    if manner == "kept":
        import boto3

        kept = Kept(boto3.session.Session())
        boto3.session.Session = lambda *_, **__: kept
        boto3.client = lambda service_name, **options: kept.client(service_name, **options)
    for line in sys.stdin:
        job = json.loads(line)
        handler = importlib.import_module(job["module"]).lambda_handler
        ms = []
        for event in job["events"]:
            began = time.perf_counter()
            answer = handler(event, None)
            ms.append((time.perf_counter() - began) * 1000)
        print(json.dumps({"ms": ms, "answer": answer}), file=answers, flush=True)


main()
