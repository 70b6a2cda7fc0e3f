{{- define "spark-jobs.monitoring.labels" -}}
{{ include "spark-jobs.labels" . }}
app.kubernetes.io/component: monitoring
{{- end }}

{{/* A dashboard with this release's namespace and Airflow's address as its variables' values: a dict of context and text. */}}
{{- define "spark-jobs.dashboard" -}}
{{- $dashboard := .text | fromJson }}
{{- $values := dict "namespace" .context.Release.Namespace "airflow_url" (.context.Values.dashboards.airflowUrl | trimSuffix "/") }}
{{- range $dashboard.templating.list }}
{{- if hasKey $values .name }}
{{- $_ := set . "query" (index $values .name) }}
{{- end }}
{{- end }}
{{- $dashboard | toPrettyJson }}
{{- end }}

{{/* Namespaces of those who launch jobs, as a regular expression. */}}
{{- define "spark-jobs.alerts.launchers" -}}
{{- $namespaces := list }}
{{- range .Values.launcher.serviceAccounts }}
{{- $namespaces = append $namespaces .namespace }}
{{- end }}
{{- $namespaces | default (list "airflow") | uniq | join "|" }}
{{- end }}

{{/* A value as a word: whole numbers of any size without an exponent, which is how they come out of YAML. */}}
{{- define "spark-jobs.alerts.word" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* The alert rules, with this release's values for what they call @name@. */}}
{{- define "spark-jobs.alerts" -}}
{{- $values := merge (dict
  "runbooks" (.Values.alerts.runbooksUrl | trimSuffix "/")
  "namespace" .Release.Namespace
  "airflowNamespace" (include "spark-jobs.alerts.launchers" .)) .Values.alerts.thresholds }}
{{- $text := .Files.Get "files/alerts.yaml" }}
{{- range $name, $value := $values }}
{{- $text = $text | replace (printf "@%s@" $name) (include "spark-jobs.alerts.word" $value) }}
{{- end }}
{{- $text }}
{{- end }}
