"""What AWS and its libraries refuse comes out as one line that says what to do."""

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore import exceptions as aws

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.aws_errors import AwsError, aws_errors


def refused(code: str, message: str = "no", operation: str = "RunJobFlow") -> aws.ClientError:
    return aws.ClientError({"Error": {"Code": code, "Message": message}}, operation)


RAISED = [
    (aws.NoCredentialsError(), "AWS credentials were not found. Run `aws configure`"),
    (
        aws.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
        "half a key pair was given",
    ),
    (aws.ProfileNotFound(profile="nobody"), r"\(nobody\) could not be found. `aws configure list-profiles`"),
    (aws.SSOTokenLoadError(error_msg="Token for x does not exist"), "does not exist. Run `aws sso login`"),
    (aws.UnauthorizedSSOTokenError(), "Run `aws sso login`"),
    (aws.TokenRetrievalError(provider="sso", error_msg="Token has expired"), "Run `aws sso login`"),
    (aws.NoRegionError(), "No AWS region is named. Set `region` in mrjob.conf"),
    (aws.InvalidRegionError(region_name="x y"), "Correct `region` in mrjob.conf"),
    (aws.ConfigParseError(path="/x"), "Correct that file"),
    (aws.CredentialRetrievalError(provider="process", error_msg="gone"), "credentials can't be fetched"),
    (aws.ParamValidationError(report="Bad\nvalue"), "Bad value. Correct mrjob.conf"),
    (
        aws.UnknownServiceError(service_name="x", known_service_names=["y"]),
        "AWS can't be used: Unknown service",
    ),
    (aws.EndpointConnectionError(endpoint_url="http://x"), "AWS can't be reached: Could not connect"),
    (aws.ReadTimeoutError(endpoint_url="http://x"), "AWS can't be reached: Read timeout"),
    (S3UploadFailedError("Failed to upload a to b/c: AccessDenied"), "Failed to upload a to b/c"),
    (refused("ExpiredToken"), "AWS refused RunJobFlow: no. They have expired. Run `aws sso login`"),
    (refused("InvalidClientTokenId"), "AWS does not know this key"),
    (refused("SignatureDoesNotMatch"), "The secret does not belong to the key"),
    (refused("RequestTimeTooSkewed"), "clock"),
    (refused("AccessDenied", "not authorized"), "not authorized. Ask the account's administrator"),
    (refused("403", "Forbidden", "HeadObject"), "AWS refused HeadObject: Forbidden. Ask"),
    (refused("ValidationException", "first\nsecond"), "AWS refused RunJobFlow: first second$"),
]


@pytest.mark.parametrize(("raised", "message"), RAISED, ids=[type(raised).__name__ for raised, _ in RAISED])
def test_each_is_one_line_that_says_what_to_do(raised: Exception, message: str) -> None:
    with pytest.raises(AwsError, match=message) as caught, aws_errors():
        raise raised
    assert len(str(caught.value).splitlines()) == 1


def test_a_path_that_mrjob_refuses_is_an_input_error() -> None:
    with pytest.raises(InputError, match="Input path x does not exist!"), aws_errors():
        raise OSError("Input path x does not exist!")


def test_other_errors_pass_through() -> None:
    with pytest.raises(ZeroDivisionError), aws_errors():
        raise ZeroDivisionError
