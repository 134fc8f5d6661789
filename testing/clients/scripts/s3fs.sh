# A bucket as a folder of the system, by s3fs.
unset AWS_CA_BUNDLE
if ! [ -w /dev/fuse ]; then
    echo "skipped: this system has no FUSE"
    exit 0
fi
"$HANEUL_PYTHON" - <<'PY'
import boto3
boto3.client("s3").create_bucket(Bucket="mounted")
PY
mkdir mount
umask 077
echo "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" > passwd
mounted() {
    s3fs mounted mount -o url="$AWS_ENDPOINT_URL" -o use_path_request_style -o passwd_file="$PWD/passwd" \
        -o endpoint=us-east-1 -o multipart_size=10 -o enable_noobj_cache
}
mounted
trap 'fusermount -u mount 2> /dev/null || umount mount' EXIT
mkdir -p tree/deep/한글
for i in $(seq 30); do echo "file $i" > "tree/deep/$i"; done
echo 하늘 > "tree/deep/한글/a b+c"
head -c 35000000 /dev/urandom > tree/large
cp -r tree mount/
diff -r tree mount/tree
# What is appended, moved, cut off, replaced and taken away.
echo more >> mount/tree/deep/1
echo more >> tree/deep/1
mv mount/tree/deep/2 mount/tree/two
mv tree/deep/2 tree/two
truncate -s 12345 mount/tree/large
truncate -s 12345 tree/large
rm mount/tree/deep/3 tree/deep/3
rm -r mount/tree/deep/한글 tree/deep/한글
chmod 640 mount/tree/two
ln -s two mount/tree/link
fusermount -u mount
mounted
test "$(readlink mount/tree/link)" = two
test "$(stat -c %a mount/tree/two)" = 640
rm mount/tree/link
diff -r tree mount/tree
rm -r mount/tree
test -z "$(ls mount)"
echo ok
