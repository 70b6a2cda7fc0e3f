{{/* Where Airflow's own OpenLineage events go. Scheduler (with the tasks) and api-server send them. */}}

{{- define "airflow.lineage.settings" -}}
{{- with .Values.lineage }}
{{- if ne .transport "none" }}
AIRFLOW__OPENLINEAGE__NAMESPACE: {{ .namespace | quote }}
AIRFLOW__OPENLINEAGE__DISABLE_SOURCE_CODE: "True"
# In a forked process, the default, an endpoint that hangs may leave a task running for ever.
AIRFLOW__OPENLINEAGE__EXECUTE_IN_THREAD: "True"
AIRFLOW__OPENLINEAGE__EXECUTION_TIMEOUT: {{ .timeoutSeconds | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Whether a component sends events. Arguments as in _helpers.tpl. */}}
{{- define "airflow.lineage.isSentBy" -}}
{{- if and (ne .context.Values.lineage.transport "none") (has .component (list "scheduler" "api-server")) }}true{{ end }}
{{- end }}

{{/* Through mlb_airflow's transformer: the provider's events would hold parameters, notes, users and errors. */}}
{{- define "airflow.lineage.env" -}}
{{- with .context.Values.lineage }}
{{- $inner := dict "type" "http" "url" (regexFind "^https?://[^/]+" .http.url) "timeout" .timeoutSeconds }}
{{- $path := regexReplaceAll "^https?://[^/]+/?" .http.url "" | trimSuffix "/" }}
{{- if $path }}
{{- $_ := set $inner "endpoint" $path }}
{{- end }}
{{- if eq .transport "file" }}
{{- $inner = dict "type" "file" "log_file_path" "/var/lineage/$(POD_NAME).jsonl" "append" true }}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- else if .http.apiKey.secretName }}
{{- $_ := set $inner "auth" (dict "type" "api_key" "apiKey" "$(OPENLINEAGE_API_KEY)") }}
- name: OPENLINEAGE_API_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .http.apiKey.secretName }}
      key: {{ .http.apiKey.key }}
{{- end }}
- name: AIRFLOW__OPENLINEAGE__TRANSPORT
  value: {{ dict "type" "transform" "transformer_class" "mlb_airflow.lineage.Bare" "transport" $inner | toJson | quote }}
{{- end }}
{{- end }}

{{- define "airflow.lineage.check" -}}
{{- with .Values.lineage }}
{{- if and (eq .transport "http") (not .http.url) }}
{{- fail "\n\nlineage.http.url is not set: name the endpoint, such as http://marquez.lineage:5000\n" }}
{{- end }}
{{- if and (eq .transport "http") $.Values.networkPolicy.enabled (not .http.to) }}
{{- fail "\n\nlineage.http.to is not set: name the peers that lineage.http.url is, or no event leaves the pods\n" }}
{{- end }}
{{- if and (eq .transport "file") (not .file.volume) }}
{{- fail "\n\nlineage.file.volume is not set: name a volume that outlives the pods, such as {persistentVolumeClaim: {claimName: lineage}}\n" }}
{{- end }}
{{- end }}
{{- end }}
