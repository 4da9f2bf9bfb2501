"""boto3 as it comes, against the simulated Amazon Connect, its bucket and the services beside it."""

import datetime
import json
import os
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BASE = os.environ["SANDBOX_HTTP"]
INSTANCE = "11111111-2222-4333-8444-555555555555"


def client(service, endpoint, **config):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="dummy",
        aws_secret_access_key="dummy",
        config=Config(connect_timeout=5, read_timeout=20, **config),
    )


def control(path, body):
    request = urllib.request.Request(
        f"{BASE}/sandbox/v1/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "X-Tieline-Sandbox": "1"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def refused(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError("should have been refused")


connect = client("connect", BASE, retries={"mode": "standard", "max_attempts": 3})

# Queues, page by page.
pages = connect.get_paginator("list_queues").paginate(
    InstanceId=INSTANCE, QueueTypes=["STANDARD"], PaginationConfig={"PageSize": 2}
)
queues = [queue for page in pages for queue in page["QueueSummaryList"]]
assert [queue["Name"] for queue in queues] == ["Sales", "Billing", "Support"], queues
assert isinstance(queues[0]["LastModifiedTime"], datetime.datetime)

# A call waits while an agent is at lunch.
control("agents/nora.quist/state", {"state": "Lunch"})
contact = control("calls", {"from": "+12025550143", "queue": "Billing", "attributes": {"intent": "bill"}})
contact = contact["contactId"]
metrics = connect.get_current_metric_data(
    InstanceId=INSTANCE,
    Filters={"Channels": ["VOICE"], "Queues": [queue["Id"] for queue in queues]},
    Groupings=["QUEUE"],
    CurrentMetrics=[
        {"Name": "CONTACTS_IN_QUEUE", "Unit": "COUNT"},
        {"Name": "AGENTS_NON_PRODUCTIVE", "Unit": "COUNT"},
    ],
)
counted = {
    result["Dimensions"]["Queue"]["Id"]: [collection["Value"] for collection in result["Collections"]]
    for result in metrics["MetricResults"]
}
assert [counted[queue["Id"]] for queue in queues] == [[0.0, 1.0], [1.0, 1.0], [0.0, 1.0]], counted
assert isinstance(metrics["DataSnapshotTime"], datetime.datetime)

# The contact.
attributes = connect.get_contact_attributes(InstanceId=INSTANCE, InitialContactId=contact)
assert attributes["Attributes"] == {"intent": "bill"}
described = connect.describe_contact(InstanceId=INSTANCE, ContactId=contact)["Contact"]
assert described["Id"] == contact and described["Channel"] == "VOICE"
assert isinstance(described["InitiationTimestamp"], datetime.datetime)
assert refused(connect.describe_contact, InstanceId=INSTANCE, ContactId="nobody") == (
    "ResourceNotFoundException",
    404,
)
assert refused(
    connect.get_current_metric_data,
    InstanceId=INSTANCE,
    Filters={"Queues": [queues[0]["Id"]]},
    Groupings=["AGENT_STATUS"],
    CurrentMetrics=[{"Name": "AGENTS_ONLINE", "Unit": "COUNT"}],
) == ("InvalidParameterException", 400)
storage = connect.list_instance_storage_configs(InstanceId=INSTANCE, ResourceType="SCHEDULED_REPORTS")
bucket = storage["StorageConfigs"][0]["S3Config"]["BucketName"]

# Throttling, which the client waits out by itself.
fault = {"kind": "status", "status": 429, "code": "TooManyRequestsException", "times": 2}
control("faults", fault | {"match": {"path": "/contact/attributes"}})
again = connect.get_contact_attributes(InstanceId=INSTANCE, InitialContactId=contact)
assert again["ResponseMetadata"]["RetryAttempts"] == 2, again

# A report in the bucket.
report = control("reports", {"kind": "queue", "rows": 7})
s3 = client("s3", f"{BASE}/s3", s3={"addressing_style": "path"})
found = s3.get_object(Bucket=bucket, Key=report["key"])
assert found["Body"].read().decode().count("\n") == 8
listed = s3.list_objects_v2(Bucket=bucket, Prefix="connect/sandbox/Reports/")
assert [item["Key"] for item in listed["Contents"]] == [report["key"]]
s3.put_object(Bucket=bucket, Key="a b+c/ü.txt", Body=b"text", Metadata={"state": "done"})
assert s3.head_object(Bucket=bucket, Key="a b+c/ü.txt")["Metadata"] == {"state": "done"}
assert refused(s3.put_object, Bucket=bucket, Key="a b+c/ü.txt", Body=b"x", IfNoneMatch="*") == (
    "PreconditionFailed",
    412,
)
assert refused(s3.get_object, Bucket=bucket, Key="nothing") == ("NoSuchKey", 404)

# The analysis of a call that is over.
control(f"calls/{contact}/hangup", {})
written = control("analyses", {"contact": contact, "redacted": True})
analysis = json.load(s3.get_object(Bucket=bucket, Key=written["key"])["Body"])
assert analysis["CustomerMetadata"]["ContactId"] == contact, analysis
recording = analysis["CustomerMetadata"]["InputS3Uri"]

# A transcription of its recording.
transcribe = client("transcribe", f"{BASE}/transcribe")
job = {
    "TranscriptionJobName": f"{contact}_1",
    "LanguageCode": "en-US",
    "MediaFormat": "wav",
    "Media": {"MediaFileUri": recording},
    "OutputBucketName": bucket,
    "Settings": {"ChannelIdentification": True},
}
started = transcribe.start_transcription_job(**job)["TranscriptionJob"]
assert started["TranscriptionJobStatus"] == "IN_PROGRESS", started
assert isinstance(started["CreationTime"], datetime.datetime)
assert refused(transcribe.start_transcription_job, **job) == ("ConflictException", 400)
said = [{"who": "customer", "text": "Hello, there is a problem."}, {"who": "agent", "text": "Thank you."}]
control("transcriptions", {"job": f"{contact}_1", "said": said})
done = transcribe.get_transcription_job(TranscriptionJobName=f"{contact}_1")["TranscriptionJob"]
assert done["Transcript"]["TranscriptFileUri"].endswith(f"/{bucket}/{contact}_1.json"), done
transcript = json.load(s3.get_object(Bucket=bucket, Key=f"{contact}_1.json")["Body"])
text = transcript["results"]["transcripts"][0]["transcript"]
assert text == "Hello, there is a problem. Thank you.", transcript
assert refused(transcribe.get_transcription_job, TranscriptionJobName="x") == ("BadRequestException", 400)

# What Comprehend makes of a text.
comprehend = client("comprehend", f"{BASE}/comprehend")
english = {"Text": "Hello, there is a problem.", "LanguageCode": "en"}
assert comprehend.detect_sentiment(**english)["Sentiment"] == "NEGATIVE"
assert [it["Text"] for it in comprehend.detect_key_phrases(**english)["KeyPhrases"]] == ["a problem"]
assert comprehend.detect_entities(**english)["Entities"] == []
assert comprehend.detect_syntax(**english)["SyntaxTokens"][0]["PartOfSpeech"]["Tag"] == "INTJ"
languages = comprehend.detect_dominant_language(Text=english["Text"])["Languages"]
assert languages[0]["LanguageCode"] == "en", languages
too_long = {"Text": "x" * 5001, "LanguageCode": "en"}
assert refused(comprehend.detect_sentiment, **too_long) == ("TextSizeLimitExceededException", 400)
fault = {"kind": "status", "status": 429, "code": "ThrottlingException", "match": {"path": "/comprehend"}}
control("faults", fault)
assert comprehend.detect_sentiment(**english)["ResponseMetadata"]["RetryAttempts"] == 1

print(
    f"boto3 {boto3.__version__}: queues, metrics, contacts, storage, throttling, a report, "
    "an analysis, a transcription, sentiments"
)
