# Keys, secrets and parameters as people type them.
# The CLI v1 leaves AWS_ENDPOINT_URL out of account for some services, so it is told by the flag.
aws="$1 --endpoint-url $AWS_ENDPOINT_URL"
key=$($aws kms create-key --description app --query KeyMetadata.KeyId --output text)
$aws kms create-alias --alias-name alias/app --target-key-id "$key"
printf 'a secret' > plain
$aws kms encrypt --key-id alias/app --plaintext fileb://plain --encryption-context a=b --query CiphertextBlob --output text | base64 -d > sealed
test "$($aws kms decrypt --ciphertext-blob fileb://sealed --encryption-context a=b --query Plaintext --output text | base64 -d)" = 'a secret'
if $aws kms decrypt --ciphertext-blob fileb://sealed 2> error; then exit 1; fi
grep -q InvalidCiphertextException error

signer=$($aws kms create-key --key-spec ECC_NIST_P256 --key-usage SIGN_VERIFY --query KeyMetadata.KeyId --output text)
$aws kms sign --key-id "$signer" --message fileb://plain --signing-algorithm ECDSA_SHA_256 --query Signature --output text | base64 -d > signature
if command -v openssl > /dev/null; then
    # Whoever has the public key can verify without us.
    $aws kms get-public-key --key-id "$signer" --query PublicKey --output text | base64 -d > public.der
    openssl pkey -pubin -inform DER -in public.der -out public.pem
    openssl dgst -sha256 -verify public.pem -signature signature plain
fi

$aws secretsmanager create-secret --name db --secret-string one > /dev/null
$aws secretsmanager put-secret-value --secret-id db --secret-string two > /dev/null
test "$($aws secretsmanager get-secret-value --secret-id db --query SecretString --output text)" = two
test "$($aws secretsmanager get-secret-value --secret-id db --version-stage AWSPREVIOUS --query SecretString --output text)" = one
$aws secretsmanager delete-secret --secret-id db > /dev/null

$aws ssm put-parameter --name /app/x --type SecureString --value hidden > /dev/null
test "$($aws ssm get-parameter --name /app/x --with-decryption --query Parameter.Value --output text)" = hidden
test "$($aws ssm get-parameters-by-path --path /app --query 'Parameters[].Name' --output text)" = /app/x
if $aws ssm get-parameter --name /none 2> error; then exit 1; fi
grep -q ParameterNotFound error
