# A tree of files goes up and comes back equal; one large file goes by multipart.
# HANEUL_CLIENTS_FULL=1: 10,000 files and 2 GiB, otherwise small.
aws=$1
files=400 large_mib=24
if [ "${HANEUL_CLIENTS_FULL:-}" = 1 ]; then files=10000 large_mib=2048; fi

mkdir -p tree/deep/er 'tree/with space' tree/한글
for i in $(seq 1 "$files"); do
    case $((i % 4)) in
        0) folder=tree ;;
        1) folder=tree/deep/er ;;
        2) folder='tree/with space' ;;
        3) folder=tree/한글 ;;
    esac
    printf 'file %s\n%0*d\n' "$i" $((i % 3000 + 1)) "$i" > "$folder/file-$i.txt"
done
: > tree/empty
head -c $((large_mib * 1024 * 1024)) /dev/urandom > tree/large.bin

# S3 dates objects to the second: a file of this very second would count as newer than its copy.
find tree -exec touch -d '1 minute ago' {} +

$aws s3 mb s3://tree
$aws s3 sync --quiet tree s3://tree/top
$aws s3 sync --quiet s3://tree/top back
diff -r tree back
echo "synced $files files and $large_mib MiB there and back"

# A second sync has nothing to do.
test -z "$($aws s3 sync tree s3://tree/top)"

$aws s3 ls s3://tree/top/ | grep > /dev/null 'PRE deep/'
test "$($aws s3 ls --recursive s3://tree | wc -l)" = $((files + 2))
$aws s3 cp --quiet s3://tree/top/large.bin s3://tree/copy.bin
$aws s3 cp --quiet s3://tree/copy.bin - | cmp - tree/large.bin

# The CLI v1 presigns by signature version 2 in us-east-1 unless it is told otherwise.
status() { curl -s -o /dev/null -w '%{http_code}' "$1"; }
test "$(status "$($aws s3 presign s3://tree/top/empty)")" = 200
test "$(status "$($aws s3 presign s3://tree/top/empty)0")" = 403
printf '[default]\ns3 =\n  signature_version = s3v4\n' > config
presign() { AWS_CONFIG_FILE=$PWD/config $aws s3 presign "$1"; }
test "$(status "$(presign s3://tree/top/empty)")" = 200
test "$(status "$(presign s3://tree/top/missing)")" = 404
test "$(status "$(presign s3://tree/top/empty)0")" = 403
$aws s3api head-object --bucket tree --key top/empty | grep > /dev/null '"ContentLength": 0'

if $aws s3 rb s3://tree 2> error; then echo "a bucket with objects was removed"; exit 1; fi
grep -q BucketNotEmpty error
$aws s3 rb --force s3://tree > /dev/null
test -z "$($aws s3 ls)"
