"""The security configuration that clusters of this project start with."""

from __future__ import annotations

import json
import logging
from typing import Any, Final

from botocore.exceptions import ClientError

log = logging.getLogger("mrjob.emr_security")  # mrjob shows what its own loggers, and those below them, write

# S3's own keys encrypt what is at rest in S3, and instances answer to IMDSv2 alone. Encrypting local disks
# takes a KMS key: a configuration with one is made by the key's owner (docs/emr.md), and used as it is.
DEFINITION: Final = {
    "EncryptionConfiguration": {
        "EnableInTransitEncryption": False,
        "EnableAtRestEncryption": True,
        "AtRestEncryptionConfiguration": {"S3EncryptionConfiguration": {"EncryptionMode": "SSE-S3"}},
    },
    "InstanceMetadataServiceConfiguration": {
        "MinimumInstanceMetadataServiceVersion": 2,
        "HttpPutResponseHopLimit": 1,
    },
}


def ensure_security_configuration(client: Any, name: str) -> None:
    """Create the named security configuration if there is none; raises botocore's ClientError."""
    try:
        client.describe_security_configuration(Name=name)
    except ClientError as error:
        # the service has no error code of its own for this
        if "does not exist" not in str(error):
            raise
        client.create_security_configuration(Name=name, SecurityConfiguration=json.dumps(DEFINITION))
        log.info("Created security configuration %s", name)
