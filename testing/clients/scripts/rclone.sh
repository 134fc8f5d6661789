# A tree there, compared by name, size and content, changed, and back.
# rclone 1.60 cannot use a CA bundle of the environment, and sends an ACL with each object unless one is chosen.
unset AWS_CA_BUNDLE
cat > rclone.conf << EOF
[haneul]
type = s3
provider = Other
access_key_id = $AWS_ACCESS_KEY_ID
secret_access_key = $AWS_SECRET_ACCESS_KEY
endpoint = $AWS_ENDPOINT_URL
region = us-east-1
acl = bucket-owner-full-control
upload_cutoff = 8M
chunk_size = 5M
EOF
run() { rclone --config rclone.conf --retries 1 "$@"; }
mkdir -p tree/deep/er
for i in $(seq 60); do echo "file $i" > "tree/deep/$i"; done
head -c 13000000 /dev/urandom > tree/deep/er/large
echo odd > 'tree/ünï +&%#?.txt'
run mkdir haneul:rclone-tree
run sync tree haneul:rclone-tree/t
run check tree haneul:rclone-tree/t
run check --download tree haneul:rclone-tree/t
rm tree/deep/7
echo changed > tree/deep/8
run sync tree haneul:rclone-tree/t
run check tree haneul:rclone-tree/t
run copy haneul:rclone-tree/t back
diff -r tree back
test "$(run cat haneul:rclone-tree/t/deep/8)" = changed
# Copies within the store, and a name taken away.
run copyto haneul:rclone-tree/t/deep/er/large haneul:rclone-tree/copy
run moveto haneul:rclone-tree/copy haneul:rclone-tree/moved
test "$(run md5sum haneul:rclone-tree/moved | wc -l)" = 1
run purge haneul:rclone-tree
test -z "$(run lsf haneul:)"
echo ok
