"""What boto3 and mrjob's EMR runner raise, in words that say what to do."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError, NoCredentialsError
from botocore.exceptions import ConnectionError as NoConnectionError

from model_mapreduce_job.exceptions import InputError, ModelMapReduceError

if TYPE_CHECKING:
    from collections.abc import Iterator

# AWS was not reached, or did not answer to the end
UNREACHED: Final = (NoConnectionError, HTTPClientError, IncompleteReadError)


class AwsError(ModelMapReduceError):
    """Raised when AWS refuses a request or can't be reached."""


@contextmanager
def aws_errors() -> Iterator[None]:
    """Raise AwsError in place of what boto3 raises, InputError in place of mrjob's errors about paths."""
    try:
        yield
    except NoCredentialsError as error:
        raise AwsError(
            "AWS credentials were not found. Run `aws configure`, or set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY."
        ) from error
    except ClientError as error:
        raise AwsError(
            f"AWS refused {error.operation_name}: {error.response['Error'].get('Message')}"
        ) from error
    except OSError as error:
        raise InputError(str(error)) from error
    except UNREACHED as error:
        raise AwsError(
            f"AWS can't be reached: {error} A cluster that was started ends by itself after its last step."
        ) from error
