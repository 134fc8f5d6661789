#!/bin/sh
# The AWS CLI of version 2 that HANEUL_AWS_CLI_2 names. Those of before 2.13, as Debian has one, do not know AWS_ENDPOINT_URL.
exec "${HANEUL_AWS_CLI_2:-aws}" --endpoint-url "$AWS_ENDPOINT_URL" "$@"
