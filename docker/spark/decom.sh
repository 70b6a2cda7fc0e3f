#!/bin/bash
# The hook that Spark runs before an executor's pod is stopped (spark.decommission.enabled): SIGPWR makes
# the executor hand its blocks to others. It waits for the end; Kubernetes' grace period limits that.
set -eu
for process in /proc/[0-9]*; do
  if tr '\0' ' ' 2>/dev/null <"$process/cmdline" | grep -q 'KubernetesExecutorBackend'; then
    pid=${process#/proc/}
    [ "$(cat "$process/comm")" = java ] || continue
    echo "decommissioning the executor, process $pid"
    kill -s SIGPWR "$pid"
    exec tail --pid="$pid" -f /dev/null
  fi
done
echo "no executor runs here" >&2
