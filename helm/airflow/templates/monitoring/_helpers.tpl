{{/* A dashboard with this release's places as its variables' values: a dict of context and text. */}}
{{- define "airflow.dashboard" -}}
{{- $dashboard := .text | fromJson }}
{{- $values := dict "namespace" .context.Values.pipeline.sparkNamespace "airflow_url" (include "airflow.baseUrl" .context) }}
{{- range $dashboard.templating.list }}
{{- if hasKey $values .name }}
{{- $_ := set . "query" (index $values .name) }}
{{- end }}
{{- end }}
{{- $dashboard | toPrettyJson }}
{{- end }}

{{/* The alert rules, with this release's values for what they call @name@. */}}
{{- define "airflow.alerts" -}}
{{- .Files.Get "files/alerts.yaml" | replace "@runbooks@" (.Values.alerts.runbooksUrl | trimSuffix "/") }}
{{- end }}
