"""Requests are signed so that moto, which signs them again with botocore, takes them."""

import json
import time

import pytest
from chunk import chunk

EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
LOGS = {"log_group_name": "g", "log_stream_name": "s", "auto_create_group": "true", "log_key": "log"}


@pytest.fixture
def user(aws):
    """Keys of a user who may do everything, in a moto that checks each request from now on."""
    iam = aws.client("iam")
    iam.create_user(UserName="router")
    iam.put_user_policy(UserName="router", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    key = iam.create_access_key(UserName="router")["AccessKey"]
    aws.check_identities(True)
    yield {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    aws.check_identities(False)


def records(*texts):
    return chunk([(time.time(), {"log": text}) for text in texts])


def test_a_signed_request_is_taken(aws, user, flush):
    assert flush("cloudwatch", LOGS, records("héllo <&>"), env=user).verdict == "ok"
    aws.check_identities(False)
    assert aws.messages("g", "s") == ["héllo <&>"]


def test_firehose_signs_as_well(aws, user, flush):
    aws.check_identities(False)
    stream = aws.delivery_stream("signed")
    aws.check_identities(True)
    options = {"delivery_stream": stream, "log_key": "log"}
    assert flush("firehose", options, records("one", "two"), env=user).verdict == "ok"
    aws.check_identities(False)
    assert aws.objects(stream) == [b"one\ntwo\n"]


def test_a_wrong_secret_is_a_retry_and_nothing_is_dropped(aws, user, flush):
    options = LOGS | {"flush_timeout": "1s"}
    flushed = flush("cloudwatch", options, records("x"), env=user | {"AWS_SECRET_ACCESS_KEY": "wrong"})
    assert flushed.verdict == "retry"
    assert "HTTP 403" in flushed.line("1 events are not delivered yet")


def test_a_role_is_taken_on_with_the_base_identity(aws, user, flush):
    aws.check_identities(False)
    iam = aws.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
    role = iam.create_role(RoleName="writer", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    iam.put_role_policy(RoleName="writer", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    aws.check_identities(True)
    options = LOGS | {"role_arn": role["Arn"], "sts_endpoint": aws.url}
    assert flush("cloudwatch", options, records("by the role"), env=user).verdict == "ok"
    aws.check_identities(False)
    assert aws.messages("g", "s") == ["by the role"]
