{{/* Where the jobs' OpenLineage events go. */}}

{{- define "spark-jobs.lineage.folder" -}}
/var/lineage
{{- end }}

{{- define "spark-jobs.lineage.settings" -}}
{{- with .Values.lineage }}
{{- if ne .transport "none" }}
MLB_LINEAGE_NAMESPACE: {{ .namespace | quote }}
MLB_LINEAGE_TIMEOUT: {{ .timeoutSeconds | quote }}
{{- if eq .transport "http" }}
MLB_LINEAGE: {{ .http.url | quote }}
{{- end }}
{{- with .sourceUrl }}
MLB_SOURCE_URL: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "spark-jobs.lineage.env" -}}
{{- with .Values.lineage }}
{{- if eq .transport "file" }}
# Two pods that write into one file could mix their lines.
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: MLB_LINEAGE
  value: {{ include "spark-jobs.lineage.folder" $ }}/$(POD_NAME).jsonl
{{- else if and (eq .transport "http") .http.apiKey.secretName }}
- name: OPENLINEAGE_API_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .http.apiKey.secretName }}
      key: {{ .http.apiKey.key }}
      # A job is worth more than its lineage: it starts without.
      optional: true
{{- end }}
{{- end }}
{{- end }}

{{- define "spark-jobs.lineage.egress" -}}
{{- with .Values.lineage }}
{{- if eq .transport "http" }}
- to:
    {{- toYaml .http.to | nindent 4 }}
  ports:
    - port: {{ .http.port }}
      protocol: TCP
{{- end }}
{{- end }}
{{- end }}

{{- define "spark-jobs.lineage.check" -}}
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
