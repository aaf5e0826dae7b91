"""Errors of boto3 and of mrjob's EMR runner as messages that say what to do."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from boto3.exceptions import Boto3Error
from botocore import exceptions as aws

from model_mapreduce_job.exceptions import InputError, ModelMapReduceError

if TYPE_CHECKING:
    from collections.abc import Iterator

# AWS was not reached, or its answer broke off
UNREACHED: Final = (aws.ConnectionError, aws.HTTPClientError, aws.IncompleteReadError)

_CONFIGURE: Final = "Run `aws configure`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
_LOG_IN: Final = "Run `aws sso login`, with --profile for one that has a name, and start again."
# The first kind that matches is used, so subclasses come before their bases
_ADVICE: Final[tuple[tuple[type[aws.BotoCoreError], str], ...]] = (
    (aws.NoCredentialsError, f"AWS credentials were not found. {_CONFIGURE}"),
    (aws.PartialCredentialsError, f"{{error}}: half a key pair was given. {_CONFIGURE}"),
    (aws.ProfileNotFound, "{error}. `aws configure list-profiles` lists those there are; set AWS_PROFILE."),
    (aws.SSOError, f"AWS's single sign-on is needed: {{error}}. {_LOG_IN}"),
    (aws.TokenRetrievalError, f"AWS's single sign-on is needed: {{error}}. {_LOG_IN}"),
    (aws.NoRegionError, "No AWS region is named. Set `region` in mrjob.conf, or use --region."),
    (aws.InvalidRegionError, "{error}. Correct `region` in mrjob.conf, or --region."),
    (aws.ConfigParseError, "AWS's own configuration can't be read: {error}. Correct that file."),
    (aws.CredentialRetrievalError, f"AWS credentials can't be fetched: {{error}}. {_CONFIGURE}"),
    (aws.ParamValidationError, "The request to AWS is not valid: {error}. Correct mrjob.conf or the option."),
)
_EXPIRED: Final = f"They have expired. {_LOG_IN} Or renew the key: {_CONFIGURE}"
_UNKNOWN: Final = f"AWS does not know this key. {_CONFIGURE}"
_FORBIDDEN: Final = "Ask the account's administrator for that permission (docs/emr.md, Once per account)."
_BY_CODE: Final = {
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"), _EXPIRED
    ),
    **dict.fromkeys(("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"), _UNKNOWN),
    **dict.fromkeys(("AuthFailure", "InvalidToken"), _UNKNOWN),
    "SignatureDoesNotMatch": f"The secret does not belong to the key. {_CONFIGURE}",
    **dict.fromkeys(("RequestTimeTooSkewed", "InvalidSignatureException"), "Is this machine's clock right?"),
    **dict.fromkeys(("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"), _FORBIDDEN),
    "OptInRequired": "Enable that service or region for the account first.",
}


class AwsError(ModelMapReduceError):
    """Raised when AWS refuses a request or can't be reached."""


@contextmanager
def aws_errors() -> Iterator[None]:
    """Raise AwsError in place of what boto3 raises, InputError in place of mrjob's errors about paths."""
    try:
        yield
    except aws.ClientError as error:
        raise AwsError(_refusal(error)) from error
    except UNREACHED as error:
        raise AwsError(
            f"AWS can't be reached: {_line(error).rstrip('.')}. A cluster that was started ends by itself "
            "after its last step."
        ) from error
    except aws.BotoCoreError as error:
        raise AwsError(_advice(error)) from error
    except Boto3Error as error:
        raise AwsError(f"AWS can't be used: {_line(error)}") from error
    except OSError as error:
        raise InputError(str(error)) from error


def _advice(error: aws.BotoCoreError) -> str:
    template = next(
        (text for kind, text in _ADVICE if isinstance(error, kind)), "AWS can't be used: {error}."
    )
    return template.format(error=_line(error).rstrip("."))


def _refusal(error: aws.ClientError) -> str:
    details = error.response.get("Error", {})
    message = f"AWS refused {error.operation_name}: {' '.join(str(details.get('Message')).split())}"
    advice = _BY_CODE.get(str(details.get("Code")))
    return f"{message.rstrip('.')}. {advice}" if advice else message


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
