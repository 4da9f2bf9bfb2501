#!/usr/bin/env bash
# `sam validate --lint` and cfn-lint on the template of the Lambda functions. Neither needs an account or a network.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$(scripts/aws-tools/install.sh sam)
# Which region is only a matter of what is offered there.
export AWS_DEFAULT_REGION=eu-central-1 SAM_CLI_TELEMETRY=0 __SAM_CLI_APP_DIR="${TMPDIR:-/tmp}/tieline-sam"
"$tools/sam" validate --lint --template deploy/aws/template.yaml >/dev/null
"$tools/cfn-lint" --regions eu-central-1 us-east-1 -- deploy/aws/template.yaml
