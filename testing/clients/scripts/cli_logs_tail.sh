# `aws logs tail`, which version 2 of the CLI has: what is there, then what comes while it follows.
# usage: cli_logs_tail.sh AWS
aws=$1
$aws logs create-log-group --log-group-name app
$aws logs create-log-stream --log-group-name app --log-stream-name one
put() {
    $aws logs put-log-events --log-group-name app --log-stream-name one \
        --log-events "timestamp=$(date +%s%3N),message=$1" > put.out
}
put first
put second
$aws logs tail app --format short > past.out
grep -q ' first' past.out
grep -q ' second' past.out
$aws logs tail app --filter-pattern second --format short > filtered.out
[ "$(grep -c . filtered.out)" = 1 ]

PYTHONUNBUFFERED=1 $aws logs tail app --follow --since 1m --format short > follow.out 2> follow.err &
follower=$!
trap 'kill $follower 2> kill.err || true' EXIT
wait_for() {
    for _ in $(seq 300); do
        if grep -q " $1" follow.out; then return 0; fi
        sleep 0.2
    done
    echo "'$1' was not followed:"
    cat follow.out follow.err
    return 1
}
wait_for second
put third
wait_for third
[ "$(grep -c ' third' follow.out)" = 1 ]
echo 'followed'
