# What boot and token share: questions to the instance metadata service (IMDSv2) and to the
# parameter store. Sourced, not run.

imds() {
	local session
	session=$(curl -sSf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
	curl -sSf -H "X-aws-ec2-metadata-token: $session" "http://169.254.169.254/latest/meta-data/$1"
}

# parameter NAME prints a secret, or nothing when there is none yet.
parameter() {
	aws ssm get-parameter --region "$AWS_REGION" --name "$1" --with-decryption --query Parameter.Value --output text 2>/dev/null || true
}

say() { printf 'gazetteer: %s\n' "$*" >&2; }
