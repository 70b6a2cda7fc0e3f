{{- define "airflow.statsdExporter.name" -}}
{{- include "airflow.component.name" (dict "context" . "component" "statsd-exporter") }}
{{- end }}

{{/* How each of Airflow's metrics is called in Prometheus. */}}
{{- define "airflow.statsdExporter.mapping" -}}
{{- .Files.Get "files/statsd-mapping.yaml" }}
{{- end }}

{{/* Where Airflow's processes send their metrics; empty: nowhere. */}}
{{- define "airflow.metrics.host" -}}
{{- .Values.statsdExporter.enabled | ternary (include "airflow.statsdExporter.name" .) .Values.metrics.statsd.host }}
{{- end }}

{{- define "airflow.metrics.port" -}}
{{- .Values.statsdExporter.enabled | ternary (include "airflow.port.statsd" .) (include "airflow.word" .Values.metrics.statsd.port) }}
{{- end }}
