# CloudWatch by the AWS CLI: points, statistics, metric data, alarms, dashboards.
aws="${HANEUL_AWS_CLI:-aws} cloudwatch"
minute=$(($(date +%s) / 60 * 60 - 120))
at() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }

$aws put-metric-data --namespace Shop --metric-name Orders --value 3 --timestamp "$(at $minute)" --dimensions Store=one,Kind=web --unit Count
$aws put-metric-data --namespace Shop --metric-data "MetricName=Orders,Timestamp=$(at $minute),Values=[1,2],Counts=[2,1],Unit=Count,Dimensions=[{Name=Kind,Value=web},{Name=Store,Value=one}]"
$aws put-metric-data --namespace Shop --metric-name Orders --statistic-values Sum=10,Minimum=2,Maximum=8,SampleCount=2 --timestamp "$(at $minute)" --dimensions Store=two

got=$($aws get-metric-statistics --namespace Shop --metric-name Orders --dimensions Name=Store,Value=one Name=Kind,Value=web \
    --start-time "$(at $minute)" --end-time "$(at $((minute + 60)))" --period 60 --statistics Sum SampleCount Average \
    --query 'Datapoints[0].[Sum,SampleCount,Average,Unit]' --output text)
test "$got" = "7.0	4.0	1.75	Count" || { echo "statistics: $got"; exit 1; }

got=$($aws list-metrics --namespace Shop --dimensions Name=Store --query 'length(Metrics)' --output text)
test "$got" = 2 || { echo "list-metrics: $got"; exit 1; }

got=$($aws get-metric-data --start-time "$(at $minute)" --end-time "$(at $((minute + 60)))" --metric-data-queries '[
    {"Id":"all","Expression":"SUM(SEARCH('"'"'{Shop,Store} Orders'"'"', '"'"'Sum'"'"', 60)) * 2"},
    {"Id":"q","Expression":"SELECT COUNT(Orders) FROM Shop","Period":60}]' --query 'MetricDataResults[].Values[0]' --output text)
test "$got" = "20.0	6.0" || { echo "get-metric-data: $got"; exit 1; }

$aws put-metric-alarm --alarm-name busy --namespace Shop --metric-name Orders --dimensions Name=Store,Value=one Name=Kind,Value=web --statistic Sum \
    --period 60 --evaluation-periods 1 --threshold 100 --comparison-operator GreaterThanThreshold --treat-missing-data ignore
$aws set-alarm-state --alarm-name busy --state-value ALARM --state-reason 'by hand'
$aws wait alarm-exists --alarm-names busy
got=$($aws describe-alarms --alarm-names busy --query 'MetricAlarms[0].[StateValue,StateReason]' --output text)
test "$got" = "ALARM	by hand" || echo "$got" | grep -q '^OK' || { echo "describe-alarms: $got"; exit 1; }
# Not through a pipe: grep ends at the first match, and the client complains of that.
grep -q 'Alarm updated from' <<< "$($aws describe-alarm-history --alarm-name busy --output text)"
$aws delete-alarms --alarm-names busy
test "$($aws describe-alarms --query 'length(MetricAlarms)' --output text)" = 0

$aws put-dashboard --dashboard-name main --dashboard-body '{"widgets":[]}' --output text
test "$($aws get-dashboard --dashboard-name main --query DashboardBody --output text)" = '{"widgets":[]}'
if $aws put-dashboard --dashboard-name main --dashboard-body '{"widgets":1}' 2> refused; then exit 1; fi
grep -q InvalidParameterInput refused
$aws delete-dashboards --dashboard-names main
