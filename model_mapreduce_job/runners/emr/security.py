"""The security configuration that clusters of this project start with."""

from __future__ import annotations

import json
import logging
from typing import Any, Final

from botocore.exceptions import ClientError

log = logging.getLogger("mrjob.emr_security")  # mrjob shows what its own loggers, and those below them, write

# Instances answer to IMDSv2 alone. What is written to S3 is encrypted as its bucket says: a mode named here
# would go with each object, and a bucket whose policy wants its KMS key refuses those. Encrypting local disks
# takes a KMS key: a configuration with one is made by the key's owner (docs/emr.md), and used as it is.
DEFINITION: Final = {
    "InstanceMetadataServiceConfiguration": {
        "MinimumInstanceMetadataServiceVersion": 2,
        "HttpPutResponseHopLimit": 1,
    },
}


def ensure_security_configuration(client: Any, name: str) -> None:
    """Create the named security configuration if there is none; raises botocore's ClientError."""
    if _exists(client, name):
        return
    try:
        client.create_security_configuration(Name=name, SecurityConfiguration=json.dumps(DEFINITION))
    except ClientError:
        # two first runs at the same time: the other one was quicker
        if not _exists(client, name):
            raise
    else:
        log.info("Created security configuration %s", name)


def _exists(client: Any, name: str) -> bool:
    try:
        client.describe_security_configuration(Name=name)
    except ClientError as error:
        # the service has no error code of its own for this
        if "does not exist" not in str(error):
            raise
        return False
    return True
