# A backup, checked by reading all of it, restored, and pruned.
unset AWS_CA_BUNDLE
export RESTIC_PASSWORD=secret RESTIC_REPOSITORY="s3:$AWS_ENDPOINT_URL/restic-backups" RESTIC_CACHE_DIR=$PWD/cache
mkdir -p tree/deep
for i in $(seq 60); do echo "file $i" > "tree/deep/$i"; done
head -c 20000000 /dev/urandom > tree/large
restic init
restic backup tree
echo more > tree/more
restic backup tree
restic check --read-data
restic restore latest --target back
find back -type d -name tree -exec diff -r tree {} \;
test "$(find back -name more | wc -l)" = 1
restic forget --keep-last 1 --prune
restic check
echo ok
