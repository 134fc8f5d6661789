#!/usr/bin/env bash
# What calls run, for `bin/haneul/hot.txt`: a release build under each kind of load, seen by perf.
#   docs/performance/hot.sh HANEUL GENERATOR FOLDER && cargo xtask hot HANEUL FOLDER/*.data
set -euo pipefail
haneul=$1 generator=$2 folder=$3
mkdir -p "$folder"
data=$(mktemp -d)
"$haneul" serve --listen 127.0.0.1:4599 --data-dir "$data" --log error \
    --root-access-key test --root-secret-key testtesttest > "$folder/server.log" 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$data"' EXIT
until curl -sf -o "$folder/health" http://127.0.0.1:4599/_haneul/health; do sleep 0.1; done

# work NAME SERVICE OPERATION OPTION...
work() {
    local name=$1 service=$2 operation=$3
    shift 3
    "$generator" --endpoint http://127.0.0.1:4599 --service "$service" --op "$operation" \
        --access-key test --secret-key testtesttest --warmup 1 --seconds 5 "$@" > "$folder/$name.log" &
    local load=$!
    sleep 2.5
    perf record -q -F 9999 -e cpu-clock -p $server -o "$folder/$name.data" sleep 2
    wait $load
}

work identity sts identity --concurrency 16
for clients in 1 4 16; do work "cycle-$clients" sqs cycle --size 400 --name cycle --concurrency $clients; done
work send sqs send --size 400 --name send --concurrency 16
for size in 4096 1048576; do
    for operation in put get; do
        work "$operation-$size" s3 $operation --size $size --keys 64 --name "objects-$size" --concurrency 16
    done
done
for operation in put get query update transact batch; do
    work "items-$operation" dynamodb $operation --size 100 --bulk --keys 10000 --per 20 --name items --concurrency 16
done
