{{/* What a schema cannot say: each check ends the rendering with a sentence. */}}

{{- define "spark-jobs.checks" -}}
{{- include "spark-jobs.checkNamespace" . }}
{{- include "spark-jobs.checkPlaces" . }}
{{- include "spark-jobs.checkSettings" . }}
{{- include "spark-jobs.checkMemory" . }}
{{- include "spark-jobs.checkExecutors" . }}
{{- include "spark-jobs.checkQuota" . }}
{{- include "spark-jobs.checkHistoryServer" . }}
{{- include "spark-jobs.checkOneOff" . }}
{{- include "spark-jobs.lineage.check" . }}
{{- end }}

{{- define "spark-jobs.checkNamespace" -}}
{{- if .Values.podSecurity.check }}
{{- $namespace := lookup "v1" "Namespace" "" .Release.Namespace }}
{{- if $namespace }}
{{- if ne (dig "metadata" "labels" "pod-security.kubernetes.io/enforce" "" $namespace) "restricted" }}
{{- fail (printf "\n\nThe namespace %s does not enforce Pod Security \"restricted\". Let it, and install again:\n  kubectl label namespace %s pod-security.kubernetes.io/enforce=restricted\n(or set podSecurity.check=false)\n" .Release.Namespace .Release.Namespace) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "spark-jobs.checkPlaces" -}}
{{- range $name := list "lake" "landing" }}
{{- $place := index $.Values $name }}
{{- if not $place }}
{{- fail (printf "\n\n%s is not set: name the place, such as --set %s=s3a://bucket/%s\n" $name $name $name) }}
{{- end }}
{{- if not (hasPrefix "s3a://" $place) }}
{{- fail (printf "\n\n%s is %s, but a pod keeps nothing on its own disk: name a place on S3, such as s3a://bucket/%s\n" $name $place $name) }}
{{- end }}
{{- end }}
{{- if eq (trimSuffix "/" .Values.lake) (trimSuffix "/" .Values.landing) }}
{{- fail (printf "\n\nlake and landing are both %s: the Delta tables need a place of their own\n" .Values.lake) }}
{{- end }}
{{- if and (not .Values.s3.endpoint) (not .Values.s3.region) }}
{{- fail "\n\ns3.region is not set: name the buckets' region (or s3.endpoint, for a store that is not Amazon's)\n" }}
{{- end }}
{{- end }}

{{- define "spark-jobs.checkSettings" -}}
{{- $own := include "spark-jobs.driver.settings" . | fromYaml }}
{{- range $name, $value := .Values.spark.defaults }}
{{- if regexMatch "(?i)(key|secret|token|password|credential)s?$" $name }}
{{- fail (printf "\n\nspark.defaults.%s looks like a secret, and Spark's settings are a ConfigMap that many can read, and stand on the JVM's command line: name a Secret under s3.credentials\n" $name) }}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- if hasKey $own $name }}
{{- fail (printf "\n\nsettings.%s: this chart sets it from another value (to %q): change that one\n" $name (index $own $name)) }}
{{- end }}
{{- if regexMatch "(KEY|SECRET|TOKEN|PASSWORD)$" $name }}
{{- fail (printf "\n\nsettings.%s looks like a secret, and settings are a ConfigMap that many can read: put it into a Secret, and name that under secrets\n" $name) }}
{{- end }}
{{- end }}
{{- end }}

{{/* A heap as large as the container leaves nothing for Python and the JVM itself: the kernel kills it in the middle of a job. */}}
{{- define "spark-jobs.checkHeap" -}}
{{- $limit := include "spark-jobs.mebibytes" (toString .limit) | int }}
{{- $heap := include "spark-jobs.mebibytes" .heap | int }}
{{- if gt (mul $heap 4) (mul $limit 3) }}
{{- fail (printf "\n\n%s: a heap of %s does not fit into a container limited to %s: leave it a quarter for Python and the JVM's own needs\n" .what .heap .limit) }}
{{- end }}
{{- end }}

{{- define "spark-jobs.checkMemory" -}}
{{- range $job, $own := .Values.jobs }}
{{- $settings := include "spark-jobs.driver.ofJob" (dict "context" $ "job" $job) | fromYaml }}
{{- include "spark-jobs.checkHeap" (dict "what" (printf "job %s" $job) "heap" $settings.memory "limit" $settings.resources.limits.memory) }}
{{- end }}
{{- if .Values.historyServer.enabled }}
{{- include "spark-jobs.checkHeap" (dict "what" "historyServer" "heap" .Values.historyServer.memory "limit" .Values.historyServer.resources.limits.memory) }}
{{- end }}
{{- end }}

{{- define "spark-jobs.checkExecutors" -}}
{{- with .Values.executors }}
{{- if .enabled }}
{{- if and .max (lt (int .max) (int .count)) }}
{{- fail (printf "\n\nexecutors.max is %d, less than executors.count, %d: raise it, or set it to null\n" (int .max) (int .count)) }}
{{- end }}
{{- if and $.Values.networkPolicy.enabled (not $.Values.networkPolicy.apiServer.cidrs) }}
{{- fail "\n\nexecutors.enabled needs networkPolicy.apiServer.cidrs: drivers ask the API server for executors, and may reach nothing that is not named.\nIts addresses: kubectl get endpointslices -n default kubernetes\n" }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* One job at least must fit into the quota, or every pod is refused. */}}
{{- define "spark-jobs.checkQuota" -}}
{{- $hard := .Values.resourceQuota.hard }}
{{- $limit := index $hard "limits.memory" }}
{{- if and .Values.resourceQuota.enabled $limit }}
{{- $executors := 0 }}
{{- with .Values.executors }}
{{- if .enabled }}
{{- $executors = mul .count (add (include "spark-jobs.mebibytes" .memory) (include "spark-jobs.mebibytes" .memoryOverhead)) }}
{{- end }}
{{- end }}
{{- range $job, $own := .Values.jobs }}
{{- $settings := include "spark-jobs.driver.ofJob" (dict "context" $ "job" $job) | fromYaml }}
{{- $needed := add $executors (include "spark-jobs.mebibytes" (toString $settings.resources.limits.memory)) | int }}
{{- if gt $needed (include "spark-jobs.mebibytes" (toString $limit) | int) }}
{{- fail (printf "\n\njob %s needs %d MiB of memory with its executors, more than resourceQuota.hard lets the namespace have (limits.memory: %s)\n" $job $needed $limit) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "spark-jobs.checkHistoryServer" -}}
{{- if and .Values.historyServer.enabled (not .Values.spark.eventLog.dir) }}
{{- fail "\n\nhistoryServer.enabled needs event logs to show: set spark.eventLog.dir, such as s3a://bucket/events\n" }}
{{- end }}
{{- end }}

{{- define "spark-jobs.checkOneOff" -}}
{{- with .Values.oneOff }}
{{- if .enabled }}
{{- if not (hasKey $.Values.jobs .job) }}
{{- fail (printf "\n\noneOff.job is %q: choose one of %s\n" .job (keys $.Values.jobs | sortAlpha | join ", ")) }}
{{- end }}
{{- if ne (toDate "2006-01-02" .date | date "2006-01-02") .date }}
{{- fail (printf "\n\noneOff.date is %q, which is no day: write it as YYYY-MM-DD, such as 2023-10-01\n" .date) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
