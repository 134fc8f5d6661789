# A bucket as a folder of the system, by rclone.
unset AWS_CA_BUNDLE
if ! [ -w /dev/fuse ]; then
    echo "skipped: this system has no FUSE"
    exit 0
fi
cat > rclone.conf << EOF
[haneul]
type = s3
provider = Other
access_key_id = $AWS_ACCESS_KEY_ID
secret_access_key = $AWS_SECRET_ACCESS_KEY
endpoint = $AWS_ENDPOINT_URL
region = us-east-1
acl = bucket-owner-full-control
EOF
run() { rclone --config rclone.conf --cache-dir "$PWD/cache" --retries 1 "$@"; }
run mkdir haneul:rclone-mounted
mkdir mount
mounted() { run mount haneul:rclone-mounted mount --daemon --vfs-cache-mode writes --vfs-write-back 0s --dir-cache-time 1s; }
mounted
trap 'fusermount -u mount 2> /dev/null || umount mount' EXIT
mkdir -p tree/deep
for i in $(seq 20); do echo "file $i" > "tree/deep/$i"; done
head -c 12000000 /dev/urandom > tree/large
cp -r tree mount/
diff -r tree mount/tree
echo more >> mount/tree/deep/1
echo more >> tree/deep/1
mv mount/tree/deep/2 mount/tree/two
mv tree/deep/2 tree/two
rm mount/tree/deep/3 tree/deep/3
# What is in the mount's own cache is sent before it ends.
for _ in $(seq 100); do
    if run check tree haneul:rclone-mounted/tree 2> /dev/null; then break; fi
    sleep 0.2
done
fusermount -u mount
run check --download tree haneul:rclone-mounted/tree
mounted
diff -r tree mount/tree
rm -r mount/tree
test -z "$(ls mount)"
echo ok
