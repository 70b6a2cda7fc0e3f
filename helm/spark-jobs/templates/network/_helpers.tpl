{{- define "spark-jobs.network.labels" -}}
{{ include "spark-jobs.labels" . }}
app.kubernetes.io/component: network
{{- end }}

{{/* Egress that every pod of this chart needs: names, S3, and its identity. */}}
{{- define "spark-jobs.network.egress" -}}
- to:
    {{- toYaml .Values.networkPolicy.dns.to | nindent 4 }}
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
- to:
    {{- toYaml .Values.networkPolicy.s3.to | nindent 4 }}
  ports:
    {{- range .Values.networkPolicy.s3.ports }}
    - port: {{ . }}
      protocol: TCP
    {{- end }}
{{- if .Values.networkPolicy.podIdentity }}
- to:
    - ipBlock:
        cidr: 169.254.170.23/32
  ports:
    - port: 80
      protocol: TCP
{{- end }}
{{- end }}
