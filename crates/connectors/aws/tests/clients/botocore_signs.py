"""Signs with botocore what we signed, and says what it got.

Standard input: {"presigned": [...], "calls": [...]}; standard output: {"presigned": [url], "calls": [authorization]}.
"""

import datetime
import json
import sys
from urllib.parse import quote

import botocore.auth
from botocore.auth import S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def at(text):
    moment = datetime.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda *_args, **_named: moment


def credentials(token):
    return Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)


def presigned(case):
    at(case["at"])
    url = case["host"] + "/" + quote(case["key"], safe="/~")
    if case["query"]:
        url += "?" + "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in case["query"])
    request = AWSRequest(method="GET", url=url)
    S3SigV4QueryAuth(credentials(case["token"]), "s3", case["region"], expires=case["expires"]).add_auth(request)
    return request.url


def call(case):
    at(case["headers"]["x-amz-date"])
    signed = case["headers"]["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    headers = {name: case["headers"][name] for name in signed if not name.startswith("x-amz-date")}
    headers.pop("x-amz-security-token", None)
    request = AWSRequest(method=case["method"], url=case["url"], data=case["body"].encode(), headers=headers)
    SigV4Auth(credentials(case["token"]), case["service"], case["region"]).add_auth(request)
    return request.headers["Authorization"]


asked = json.load(sys.stdin)
json.dump(
    {"presigned": [presigned(case) for case in asked["presigned"]], "calls": [call(case) for case in asked["calls"]]},
    sys.stdout,
)
