{{/* What a schema cannot say: each check ends the rendering with a sentence. */}}

{{- define "airflow.checks" -}}
{{- include "airflow.checkNamespace" . }}
{{- include "airflow.checkPlaces" . }}
{{- include "airflow.checkConfig" . }}
{{- include "airflow.checkDatabase" . }}
{{- include "airflow.checkNetwork" . }}
{{- include "airflow.checkIngress" . }}
{{- include "airflow.checkMetrics" . }}
{{- include "airflow.checkTimes" . }}
{{- include "airflow.lineage.check" . }}
{{- end }}

{{- define "airflow.checkNamespace" -}}
{{- if .Values.podSecurity.check }}
{{- $namespace := lookup "v1" "Namespace" "" .Release.Namespace }}
{{- if $namespace }}
{{- if ne (dig "metadata" "labels" "pod-security.kubernetes.io/enforce" "" $namespace) "restricted" }}
{{- fail (printf "\n\nThe namespace %s does not enforce Pod Security \"restricted\". Let it, and install again:\n  kubectl label namespace %s pod-security.kubernetes.io/enforce=restricted\n(or set podSecurity.check=false)\n" .Release.Namespace .Release.Namespace) }}
{{- end }}
{{- end }}
{{- end }}
{{- if eq .Release.Namespace .Values.pipeline.sparkNamespace }}
{{- fail (printf "\n\nAirflow is in the Spark jobs' namespace, %s, where who may launch pods can read every Secret: give it its own\n" .Release.Namespace) }}
{{- end }}
{{- end }}

{{- define "airflow.checkPlaces" -}}
{{- if not .Values.pipeline.landing }}
{{- fail "\n\npipeline.landing is not set: name the landing zone as helm/spark-jobs has it, such as s3a://bucket/landing\n" }}
{{- end }}
{{- if not .Values.logs.remote }}
{{- fail "\n\nlogs.remote is not set: a task's log would be lost with the scheduler's pod. Name a place, such as s3://bucket/logs\n" }}
{{- end }}
{{- if not .Values.aws.region }}
{{- fail "\n\naws.region is not set: name the region of the buckets and of the alerts' topic\n" }}
{{- end }}
{{- if and .Values.aws.connection.secretName .Values.awsLocal.enabled }}
{{- fail "\n\naws.connection.secretName and awsLocal.enabled both say where S3 is: keep one of them\n" }}
{{- end }}
{{- end }}

{{- define "airflow.checkConfig" -}}
{{- $own := include "airflow.settings.own" . | fromYaml }}
{{- range $name, $value := .Values.config }}
{{- if hasKey $own $name }}
{{- fail (printf "\n\nconfig.%s: this chart sets it from another value (to %q): change that one\n" $name (index $own $name)) }}
{{- end }}
{{- if regexMatch "(KEY|SECRET|TOKEN|PASSWORD|CONN|_CONN_ASYNC)$" $name }}
{{- fail (printf "\n\nconfig.%s looks like a secret, and config is a ConfigMap that many can read: name a Secret under keys, database or connections\n" $name) }}
{{- end }}
{{- end }}
{{- with .Values.config }}
{{- if eq (toString .AIRFLOW__API__EXPOSE_CONFIG | lower) "true" }}
{{- fail "\n\nconfig.AIRFLOW__API__EXPOSE_CONFIG shows keys and the database's password in the UI: take it out, or set it to non-sensitive-only\n" }}
{{- end }}
{{- if eq (toString .AIRFLOW__CORE__HIDE_SENSITIVE_VAR_CONN_FIELDS | lower) "false" }}
{{- fail "\n\nconfig.AIRFLOW__CORE__HIDE_SENSITIVE_VAR_CONN_FIELDS: passwords of connections would stand in logs and in the UI: take it out\n" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "airflow.checkDatabase" -}}
{{- if and (not .Values.postgresql.enabled) (not .Values.database.secretName) }}
{{- fail "\n\ndatabase.secretName is not set: name the Secret that holds the database's URL (or run the bundled one, postgresql.enabled)\n" }}
{{- end }}
{{- if and .Values.postgresql.enabled .Values.database.secretName }}
{{- fail "\n\ndatabase.secretName and postgresql.enabled both say where the database is: keep one of them\n" }}
{{- end }}
{{- if and (eq .Values.database.sslMode "verify-full") (not .Values.database.caSecretName) }}
{{- fail "\n\ndatabase.sslMode=verify-full needs database.caSecretName, the Secret with the authorities to trust\n" }}
{{- end }}
{{- end }}

{{- define "airflow.checkNetwork" -}}
{{- if .Values.networkPolicy.enabled }}
{{- if not .Values.networkPolicy.kubernetes.cidrs }}
{{- fail "\n\nnetworkPolicy.kubernetes.cidrs is not set: scheduler and triggerer ask Kubernetes' API server for pods, and may reach nothing that is not named.\nIts addresses: kubectl get endpointslices -n default kubernetes\n" }}
{{- end }}
{{- if and (not .Values.postgresql.enabled) (not .Values.networkPolicy.database.to) }}
{{- fail "\n\nnetworkPolicy.database.to is not set: name the database's addresses, such as {ipBlock: {cidr: 10.0.0.0/16}}\n" }}
{{- end }}
{{- if and .Values.metrics.statsd.host (not .Values.metrics.statsd.to) }}
{{- fail "\n\nmetrics.statsd.to is not set: name the peers that metrics.statsd.host is, or no metric leaves the pods\n" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.apiServer.ingressFrom) }}
{{- fail "\n\ningress.enabled needs apiServer.ingressFrom: name the ingress controller's pods or addresses, or they reach nothing\n" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "airflow.checkMetrics" -}}
{{- if and .Values.statsdExporter.enabled .Values.metrics.statsd.host }}
{{- fail "\n\nmetrics.statsd.host and statsdExporter.enabled both say where metrics go: keep one of them\n" }}
{{- end }}
{{- end }}

{{- define "airflow.checkIngress" -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) }}
{{- fail "\n\ningress.host is not set: name the host under which people open Airflow\n" }}
{{- end }}
{{- end }}

{{/* An alert that a task or a run takes too long has to come before it is ended. */}}
{{- define "airflow.checkTimes" -}}
{{- with .Values.pipeline }}
{{- if ge (int .slaSeconds) (int .taskTimeoutSeconds) }}
{{- fail (printf "\n\npipeline.slaSeconds is %d, not less than pipeline.taskTimeoutSeconds, %d: a task would be ended before it is late\n" (int .slaSeconds) (int .taskTimeoutSeconds)) }}
{{- end }}
{{- if ge (int .runDeadlineSeconds) (int .runTimeoutSeconds) }}
{{- fail (printf "\n\npipeline.runDeadlineSeconds is %d, not less than pipeline.runTimeoutSeconds, %d: a run would be ended before it is late\n" (int .runDeadlineSeconds) (int .runTimeoutSeconds)) }}
{{- end }}
{{- end }}
{{- end }}
